"""Who is whom (reading rules, sections 7a and 8.1)."""

import pytest

from maild.incident.people import merged, same_person
from maild.reading.reading import Person

SAME = [
    (Person("Ravi"), Person("Ravi Patel")),
    (Person("Jayla M."), Person("Jayla Moore")),
    (Person("Łukasz Żak"), Person("Lukasz Zak")),
    (Person("Dr. Ana Silva"), Person("Ana Silva")),
    (Person("ana silva"), Person("Ana Silva")),
    (Person("Ana", "ana@example.com"), Person("A. Silva", "ANA@example.com")),
    (Person(None, "@ana"), Person("Ana Silva", "ana@example.com")),
    (Person(None, "ana.silva@example.com"), Person("Ana Silva")),
]


@pytest.mark.parametrize(("one", "other"), SAME, ids=str)
def test_two_mentions_are_one_person(one: Person, other: Person) -> None:
    assert same_person(one, other)
    assert same_person(other, one)


DIFFERENT = [
    (Person("Ravi Patel"), Person("Ravi Kumar")),
    (Person("Jayla M."), Person("Jayla Stone")),
    (Person("Ana", "ana@example.com"), Person("Ana", "ana@example.org")),
    (Person("Jane"), Person("Janet Smith")),
    (Person(None, "@bob"), Person("Ana Silva", "ana@example.com")),
    (Person(None), Person("Ana Silva")),
]


@pytest.mark.parametrize(("one", "other"), DIFFERENT, ids=str)
def test_two_mentions_are_two_people(one: Person, other: Person) -> None:
    assert not same_person(one, other)
    assert not same_person(other, one)


def test_the_fuller_name_and_the_address_are_kept() -> None:
    assert merged(Person("Ravi", "ravi@example.com"), Person("Ravi Patel", "@ravi")) == Person(
        "Ravi Patel", "ravi@example.com"
    )
    assert merged(Person(None, "@ravi"), Person("Ravi")) == Person("Ravi", "@ravi")
