"""The systemd units: what systemd-analyze says of them. It needs no systemd that runs."""

import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
UNITS = ("maild.service", "maild.socket", "maild@.service")
MOST_EXPOSED = 2.0


@pytest.fixture
def analyze(tmp_path: Path) -> Callable[..., str]:
    """`analyze("verify", "maild.service")`: what it says of a unit, installed beside the others."""
    program = shutil.which("systemd-analyze")
    if program is None:
        pytest.skip("needs systemd-analyze: apt-get install systemd")
    for name in UNITS:
        # The units name the installed maild, which a source tree need not have.
        text = (ROOT / "systemd" / name).read_text("utf-8")
        (tmp_path / name).write_text(text.replace("/usr/bin/maild", "/bin/true"), "utf-8")
    (tmp_path / "maild@one.service").symlink_to("maild@.service")

    def run(*arguments: str) -> str:
        done = subprocess.run(
            [program, "--no-pager", *arguments[:-1], str(tmp_path / arguments[-1])],
            capture_output=True,
            text=True,
            timeout=60,
        )
        if "bus" in done.stderr and done.returncode:
            pytest.skip(done.stderr)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    return run


@pytest.mark.parametrize("unit", ["maild.service", "maild.socket", "maild@one.service"])
def test_systemd_finds_no_fault_with_a_unit(analyze: Callable[..., str], unit: str) -> None:
    assert analyze("verify", unit).strip() == ""


@pytest.mark.parametrize("unit", ["maild.service", "maild@.service"])
def test_a_service_is_exposed_to_little(analyze: Callable[..., str], unit: str) -> None:
    said = analyze("security", "--offline=true", unit)
    found = re.search(r"exposure level for \S+: ([\d.]+)", said)
    assert found, said
    assert float(found[1]) < MOST_EXPOSED


def test_both_services_differ_in_names_only() -> None:
    one, many = (
        (ROOT / "systemd" / name).read_text("utf-8").split("\n")[1:]
        for name in ("maild.service", "maild@.service")
    )
    named = [line.replace("/%i", "").replace(".%i", "") for line in many]
    other = [(a, b) for a, b in zip(one, named, strict=True) if a != b]
    assert [a.partition("=")[0] for a, _ in other] == ["Description", "ExecStart"]
