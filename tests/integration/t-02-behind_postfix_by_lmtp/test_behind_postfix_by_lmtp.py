"""Postfix hands the list's mail to maild by LMTP, and takes what maild sends."""

from pathlib import Path

import pytest

from tests.integration.conftest import SAMPLE, mail
from tests.integration.recipe import Recipe
from tests.integration.story import LIST, Story

pytestmark = [pytest.mark.real, pytest.mark.xdist_group("t-02")]


class TestBehindPostfixByLmtp(Story):
    folder = Path(__file__).parent
    quoted = ("maild.toml", "main.cf", "transport")

    def test_postfix_knows_the_lists_addresses_and_no_others(self, recipe: Recipe) -> None:
        for address in ("incidentally@example.com", "incidents-foo@example.com"):
            assert "550 5.1.1" in recipe.send(mail(SAMPLE), address, fails=True)

    def test_who_may_not_post_hears_it_from_his_own_mail_server(self, recipe: Recipe) -> None:
        recipe.send(mail(SAMPLE, "From outside", "Mallory <mallory@example.net>"), LIST)
        report = recipe.got("mallory@example.net", "Undelivered")
        assert "550 5.7.1 You may not post here; ask" in " ".join(str(report).split())
