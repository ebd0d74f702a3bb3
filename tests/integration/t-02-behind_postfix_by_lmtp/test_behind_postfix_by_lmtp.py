"""Postfix hands the list's mail to maild by LMTP, and takes what maild sends."""

from pathlib import Path

import pytest

from tests.integration.story import BehindPostfix

pytestmark = [pytest.mark.real, pytest.mark.xdist_group("t-02")]


class TestBehindPostfixByLmtp(BehindPostfix):
    folder = Path(__file__).parent
