"""What every test shares: how much hypothesis tries, and the programs that real tests drive."""

import os
import shutil
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import settings

from .office import Office

settings.register_profile(
    "maild",
    derandomize=False,
    deadline=None,
    print_blob=True,
    max_examples=int(os.environ.get("MAILD_EXAMPLES", "50")),
)
settings.load_profile("maild")

# Debian's daemons live in sbin, which is not on every user's PATH.
SEARCH = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"])
PACKAGES = {
    "doveadm": "dovecot-imapd",
    "dovecot": "dovecot-imapd",
    "mhdr": "mblaze",
    "mshow": "mblaze",
    "opendkim-testkey": "opendkim-tools",
}


@pytest.fixture(scope="session")
def need() -> Callable[[str], str]:
    """`need("swaks")` is the program's path; without it the test skips, or fails where CI=true."""

    def path_of(program: str) -> str:
        found = shutil.which(program, path=SEARCH)
        if found is not None:
            return found
        advice = f"needs {program}: apt-get install {PACKAGES.get(program, program)}"
        if os.environ.get("CI") == "true":
            pytest.fail(advice, pytrace=False)
        pytest.skip(advice)

    return path_of


@pytest.fixture
def office() -> Iterator[Callable[..., Office]]:
    """`office(posting={...})` is a desk with these tables of the configuration."""
    made: list[Office] = []

    def make(**tables: Any) -> Office:
        made.append(Office(**tables))
        return made[-1]

    yield make
    for one in made:
        one.close()
