"""Postfix delivers to a mailbox in Dovecot, where maild takes it by IMAP; what it sends goes back."""

from pathlib import Path

import pytest

from tests.integration.conftest import SAMPLE, mail, until
from tests.integration.recipe import Recipe
from tests.integration.story import LIST, Story

pytestmark = [pytest.mark.real, pytest.mark.xdist_group("t-04")]


class TestMailboxByImap(Story):
    folder = Path(__file__).parent
    quoted = ("maild.toml",)
    separator = "+"

    def test_who_may_not_post_hears_nothing_and_the_log_says_it(self, recipe: Recipe) -> None:
        recipe.send(mail(SAMPLE, "From outside", "Mallory <mallory@example.net>"), LIST)
        refused = until(
            lambda: [e for e in recipe.daemon.events() if e["event"] == "refused"], "a refusal"
        )
        assert refused[0]["author"] == "mallory@example.net"
        assert recipe.sink.to("mallory@example.net") == []
