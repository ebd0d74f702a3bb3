"""What must hold behind any mail system: each recipe's folder tells it again, with its own programs."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import ClassVar

import pytest

from .conftest import SAMPLE, Daemon, mail, text_of
from .recipe import Recipe, running

LIST = "incidents@example.com"
INSTALL = Path(__file__).resolve().parents[2] / "docs/install.md"


class Story:
    """The list as people know it. folder: the recipe's; quoted: its files that install.md prints."""

    folder: ClassVar[Path]
    quoted: ClassVar[tuple[str, ...]] = ()
    separator: ClassVar[str] = "-"

    @pytest.fixture(scope="class")
    @classmethod
    def recipe(
        cls, need: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory
    ) -> Iterator[Recipe]:
        place = tmp_path_factory.mktemp("site")
        people = ("ana@example.com", "bob@example.com", "gone@example.com")
        with running(cls.folder, place, need, cls.prepare, people=people) as recipe:
            yield recipe

    @staticmethod
    def prepare(daemon: Daemon) -> None:
        """Make in the daemon's folder what its configuration names."""

    def test_the_guide_prints_what_is_tried_here(self) -> None:
        printed = INSTALL.read_text("utf-8")
        for name in self.quoted:
            assert (self.folder / name).read_text("utf-8").strip() in printed, name

    def test_an_opening_reaches_everybody_on_the_roster(self, recipe: Recipe) -> None:
        recipe.send(recipe.mail("opening.eml", "Everybody hears of it"), LIST)
        for person in ("ana@example.com", "bob@example.com"):
            copy = recipe.got(person, "Everybody hears of it")
            assert copy["X-Incident-Severity"] == "2"
            assert copy["List-Id"] == "Incidents <incidents.example.com>"

    def test_a_reply_to_the_incidents_own_address_follows_it_up(self, recipe: Recipe) -> None:
        recipe.send(recipe.mail("opening.eml", "Followed up by its address"), LIST)
        copy = recipe.got("ana@example.com", "Followed up by its address")
        address = copy["Reply-To"].addresses[0].addr_spec
        assert address == LIST.replace("@", f"+{copy['X-Incident-Id'].removeprefix('INC-')}@")
        answer = mail("We look at the disks.", "A bare subject", "Ana <ana@example.com>", address)
        recipe.send(answer, address)
        row = recipe.row(subject="A bare subject", verdict="accepted")
        assert row["incident"] == copy["X-Incident-Id"]

    def test_an_incomplete_opening_is_completed_by_a_reply_to_its_letter(
        self, recipe: Recipe
    ) -> None:
        opening = mail("Severity 2. Half of the payments fail since noon.", "Lacking a commander")
        recipe.send(opening, LIST)
        question = recipe.got("kevin@example.com", "Lacking a commander")
        address = question["Reply-To"].addresses[0].addr_spec
        assert "+draft-" in address
        recipe.send(mail("Phase 1. I am IC. Channel: #pay", to=address, answers=question), address)
        assert recipe.got("bob@example.com", "Lacking a commander")["X-Incident-Phase"] == "1"

    def test_the_command_address_answers(self, recipe: Recipe) -> None:
        address = f"incidents{self.separator}request@example.com"
        recipe.send(mail("", "whoami", "Bob <bob@example.com>", address), address)
        answer = recipe.got("bob@example.com", "whoami")
        assert "bob@example.com" in text_of(answer)

    def test_the_owners_mail_is_forwarded(self, recipe: Recipe) -> None:
        address = f"incidents{self.separator}owner@example.com"
        recipe.send(
            mail("Hello?", "A word to the owner", "Zoe <zoe@example.net>", address), address
        )
        assert recipe.got("oncall-leads@example.com", "A word to the owner")

    def test_a_copy_that_comes_back_is_counted_for_whom_it_was(self, recipe: Recipe) -> None:
        recipe.send(recipe.mail("opening.eml", "Somebody is no more"), LIST)
        assert recipe.row(reason="bounce: gone@example.com not reached (5.1.1)")


class BehindPostfix(Story):
    """The same where Postfix takes mail from outside and hands it on, whatever it speaks to us."""

    quoted = ("maild.toml", "main.cf", "transport")

    def test_postfix_knows_the_lists_addresses_and_no_others(self, recipe: Recipe) -> None:
        for address in ("incidentally@example.com", "incidents-foo@example.com"):
            assert "550 5.1.1" in recipe.send(mail(SAMPLE), address, fails=True)

    def test_who_may_not_post_hears_it_from_his_own_mail_server(self, recipe: Recipe) -> None:
        recipe.send(mail(SAMPLE, "From outside", "Mallory <mallory@example.net>"), LIST)
        report = recipe.got("mallory@example.net", "Undelivered")
        assert "550 5.7.1 You may not post here; ask" in " ".join(str(report).split())
