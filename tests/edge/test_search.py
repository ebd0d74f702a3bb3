"""Full text search: what is found, by whom, and that the index follows the record."""

from collections.abc import Callable

from maild.edge.store.records import Records
from maild.edge.store.search import Search, match_of
from tests.office import Office, text_of

FIELDS = "Severity 2, phase 1. I am incident commander. Channel: #pay."
ANA = "Ana Silva <ana@example.com>"


def found(office: Office, words: str, *, listed: bool = False) -> list[int | None]:
    return [hit.mail for hit in Search(office.connection).find(words, listed=listed)]


def test_mails_are_found_by_their_words_and_incidents_by_their_names(
    office: Callable[..., Office],
) -> None:
    desk = office()
    desk.take(f"Half of the payments fail since noon. {FIELDS}", "Checkout is down")
    assert found(desk, "payments noon") == [1]
    assert found(desk, "checkout") == [None, 1]
    assert found(desk, "inc-2026-0001") == [None]
    assert found(desk, "payments rhinoceros") == []


def test_words_in_quotes_stand_side_by_side_and_a_star_ends_a_beginning(
    office: Callable[..., Office],
) -> None:
    desk = office()
    desk.take(f"Half of the payments fail since noon. {FIELDS}")
    assert found(desk, '"payments fail"') == [1]
    assert found(desk, '"fail payments"') == []
    assert found(desk, "paym*") == [1]


def test_accents_and_letter_case_do_not_count(office: Callable[..., Office]) -> None:
    desk = office()
    desk.take(f"Alícia looks at it. {FIELDS}")
    assert found(desk, "ALICIA") == [1]


def test_signs_of_the_query_language_mean_nothing() -> None:
    assert match_of("checkout OR (down - ^ NEAR*") == '"checkout" "OR" "(down" "NEAR*"*'


def test_what_did_not_go_to_the_list_is_not_for_everybody(office: Callable[..., Office]) -> None:
    desk = office()
    desk.take("A secret word: rhinoceros.", "Psst", to="incidents-owner@example.com")
    desk.take("A rhinoceros stands on the checkout.", "Odd thing")
    assert sorted(map(str, found(desk, "rhinoceros"))) == ["1", "2"]
    assert found(desk, "rhinoceros", listed=True) == []


def test_the_index_follows_a_mail_that_is_run_again(office: Callable[..., Office]) -> None:
    desk = office()
    desk.take(f"Half of the payments fail since noon. {FIELDS}")
    desk.connection.execute("UPDATE mail SET verdict = 'shunted', text = 'A rhinoceros.'")
    assert (found(desk, "payments"), found(desk, "rhinoceros")) == ([], [1])
    assert Records(desk.connection, 3).run_again(1)
    assert found(desk, "rhinoceros") == []


def test_an_open_incident_with_a_like_subject_is_hinted_at(office: Callable[..., Office]) -> None:
    desk = office()
    desk.take(f"Half of the payments fail since noon. {FIELDS}", "Checkout is down in Europe")
    _, letters = desk.take(f"Nobody can pay. {FIELDS}", "checkout down", ANA)
    assert "This looks like INC-2026-0001" in text_of(letters[-1])


def test_a_near_miss_is_not_hinted_at(office: Callable[..., Office]) -> None:
    desk = office()
    desk.take(f"Half of the payments fail since noon. {FIELDS}", "Checkout is down")
    _, letters = desk.take(f"Nobody finds a thing. {FIELDS}", "Search is down", ANA)
    assert "This looks like" not in text_of(letters[-1])


def test_an_incident_that_is_over_is_not_hinted_at(office: Callable[..., Office]) -> None:
    desk = office()
    desk.take(f"Half of the payments fail since noon. {FIELDS}")
    desk.take(
        "Severity 2, phase 3, IC Kevin. Closed.",
        "Re: Checkout is down",
        In_Reply_To="<mail-1@laptop.example.com>",
    )
    _, letters = desk.take(f"Nobody can pay. {FIELDS}", "Checkout is down", ANA)
    assert "This looks like" not in text_of(letters[-1])
