"""Our HTML mails in a real browser: narrow and wide, light and dark.

With PICTURES=docs/pictures the pictures there are made anew.
"""

import os
import re
import shutil
import subprocess
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from html import escape
from pathlib import Path

import pytest

from maild.edge.plots import draw
from maild.edge.store.digests import Digests
from maild.incident.statistics import Month
from maild.letters.digest import html
from maild.letters.report import charts, report_html
from maild.reports import months
from tests import night
from tests.office import Office

FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
]
SCHEMES = {"dark": 0, "light": 1}
# How wide the content is, how wide the window, and the page's background. In a frame, because no
# window of Chromium is narrower than 500 pixels.
PROBE = """<script>onload = () => { parent.document.title = [document.documentElement.scrollWidth,
innerWidth, getComputedStyle(document.querySelector('.page')).backgroundColor].join('|') }</script>"""
FRAME = """<!DOCTYPE html><html style="color-scheme: light dark"><title></title>
<iframe style="width: {width}px; height: 900px; border: 0" srcdoc="{page}"></iframe>"""

pytestmark = [pytest.mark.real, pytest.mark.xdist_group("browser")]


class Browser:
    """Chromium without a window."""

    def __init__(self, program: str, folder: Path) -> None:
        self.program, self.folder = program, folder

    def run(self, page: Path, width: int, height: int, scheme: str, *more: str) -> str:
        profile = self.folder / f"profile-{width}-{scheme}-{len(list(self.folder.iterdir()))}"
        command = [
            self.program,
            *FLAGS,
            f"--user-data-dir={profile}",
            f"--blink-settings=preferredColorScheme={SCHEMES[scheme]}",
            f"--window-size={width},{height}",
            *more,
            page.as_uri(),
        ]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
        return done.stdout


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Browser:
    # Installing it takes minutes, so not even CI=true asks for it.
    program = shutil.which("chromium")
    if program is None:
        pytest.skip("needs chromium: apt-get install chromium")
    return Browser(program, tmp_path_factory.mktemp("browser"))


BEGINS = [datetime(2026, month, 1, tzinfo=UTC) for month in (3, 2, 1)] + [
    datetime(2025, 12, 1, tzinfo=UTC)
]


def _months(office: Office) -> list[Month]:
    """Give the night's month, and before it months like it, with fewer incidents each."""
    (march, *_) = months(
        office.desk, Digests(office.connection), datetime(2026, 4, 1, tzinfo=UTC), night.END
    )
    return [
        march,
        replace(march, severities=((1, 0), (2, 3), (3, 1), (4, 1))),
        replace(march, severities=((1, 2), (2, 1), (3, 0), (4, 2))),
        replace(march, severities=((1, 0), (2, 1), (3, 1), (4, 3)), to_resolve=None),
    ]


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Path]]:
    folder = tmp_path_factory.mktemp("pages")
    office = night.played(Office())
    assert office.desk.head is not None
    page = folder / "digest.html"
    page.write_text(html(office.desk.head, night.told(office)), "utf-8")
    told = [replace(one, begin=begin) for one, begin in zip(_months(office), BEGINS, strict=True)]
    drawn = {chart.name: draw(chart) for chart in charts(told, UTC)}
    sources = {
        name: "data:image/png;base64," + b64encode(png).decode()
        for name, png in drawn.items()
        if png
    }
    report = folder / "report.html"
    report.write_text(report_html(office.desk.head, told, sources), "utf-8")
    yield {"digest": page, "report": report}
    office.close()


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("width", [375, 1280])
@pytest.mark.parametrize("name", ["digest", "report"])
def test_a_page_never_scrolls_sideways_and_is_dark_where_its_reader_wants_that(
    name: str, width: int, scheme: str, browser: Browser, pages: dict[str, Path], tmp_path: Path
) -> None:
    probed = tmp_path / "probed.html"
    source = pages[name].read_text("utf-8")
    page = escape(source.replace("</body>", f"{PROBE}</body>"))
    probed.write_text(FRAME.format(width=width, page=page), "utf-8")
    dom = browser.run(probed, 1400, 1200, scheme, "--dump-dom")
    match = re.search(r"<title>(\d+)\|(\d+)\|(.*?)</title>", dom)
    assert match is not None, "the page's script did not run"
    content, window, background = match.groups()
    assert int(window) == width
    assert int(content) <= width
    assert background == {"dark": "rgb(22, 24, 28)", "light": "rgb(255, 255, 255)"}[scheme]


@pytest.mark.parametrize(("width", "height"), [(375, 1300), (1280, 760)])
@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_page_is_drawn(
    scheme: str,
    width: int,
    height: int,
    browser: Browser,
    pages: dict[str, Path],
    tmp_path: Path,
) -> None:
    folder = Path(os.environ.get("PICTURES") or tmp_path).resolve()
    for name, page in pages.items():
        picture = folder / f"{name}-{width}-{scheme}.png"
        browser.run(page, width, height, scheme, f"--screenshot={picture}")
        assert picture.read_bytes().startswith(b"\x89PNG")
        assert 10_000 < picture.stat().st_size < 150_000
