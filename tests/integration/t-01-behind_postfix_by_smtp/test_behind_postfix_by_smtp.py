"""Postfix hands the list's mail to maild by SMTP, and takes what maild sends."""

from pathlib import Path

import pytest

from tests.integration.story import BehindPostfix

pytestmark = [pytest.mark.real, pytest.mark.xdist_group("t-01")]


class TestBehindPostfixBySmtp(BehindPostfix):
    folder = Path(__file__).parent
