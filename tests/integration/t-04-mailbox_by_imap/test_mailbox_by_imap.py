"""Postfix delivers to a mailbox in Dovecot, where maild takes it by IMAP; what it sends goes back."""

from pathlib import Path

import pytest

from tests.integration.conftest import SAMPLE, mail, text_of, until
from tests.integration.recipe import Recipe
from tests.integration.story import LIST, Story

pytestmark = [pytest.mark.real, pytest.mark.xdist_group("t-04")]


class TestMailboxByImap(Story):
    folder = Path(__file__).parent
    quoted = ("maild.toml",)
    separator = "+"

    def test_the_owner_hears_of_a_refused_mail_that_reads_as_an_incident(
        self, recipe: Recipe
    ) -> None:
        recipe.send(mail(SAMPLE, "Reactor on fire", "Eve <eve@example.net>"), LIST)
        told = recipe.got("oncall-leads@example.com", "eve@example.net")
        assert "Reactor on fire" in text_of(told)
        assert "Look whether this is an incident" in text_of(told)
        assert recipe.sink.to("eve@example.net") == []

    def test_who_may_not_post_hears_nothing_and_the_log_says_it(self, recipe: Recipe) -> None:
        recipe.send(mail(SAMPLE, "From outside", "Mallory <mallory@example.net>"), LIST)
        until(
            lambda: any(e.get("author") == "mallory@example.net" for e in recipe.daemon.events()),
            "the refusal in the log",
        )
        assert recipe.sink.to("mallory@example.net") == []
