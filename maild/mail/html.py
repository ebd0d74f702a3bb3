"""HTML to the text that a reader sees, with quotation marked by `> ` as in plain text.

lxml parses; the walk here keeps what matters for reading: lines, table cells, quotation, link
targets. Hidden and struck-out text, titles, styles and comments are no text.
"""

import re
from collections.abc import Iterator
from typing import Final

from lxml import etree

from maild.mail.quotes import RULER

MAX_HTML_CHARACTERS: Final = 500_000

_SKIP = frozenset(
    [
        "head",
        "title",
        "style",
        "script",
        "noscript",
        "template",
        "del",
        "s",
        "strike",
        "svg",
        "math",
        "object",
    ]
)
_BLOCK = frozenset(
    [
        "address",
        "article",
        "aside",
        "blockquote",
        "center",
        "dd",
        "div",
        "dl",
        "dt",
        "fieldset",
        "figure",
        "footer",
        "form",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "header",
        "li",
        "main",
        "nav",
        "ol",
        "p",
        "pre",
        "section",
        "table",
        "tbody",
        "thead",
        "tfoot",
        "tr",
        "ul",
        "body",
    ]
)
_SPACED = frozenset(
    ["p", "h1", "h2", "h3", "h4", "h5", "h6", "blockquote", "ul", "ol", "table", "pre"]
)
_QUOTING = re.compile(
    r"gmail_quote|yahoo_quoted|protonmail_quote|moz-cite|zmail_extra|tutanota_quote"
)
# What hides text, as a property and its value without blanks.
_HIDDEN = re.compile(
    r"display:none.*|visibility:hidden.*|mso-hide:all.*|font-size:0(?:px|pt)?|max-height:0.*"
    r"|text-decoration[a-z-]*:.*line-through.*|opacity:0"
)
_HIDING = re.compile(r"none|hid|0|line-through", re.I)
_BLANKS = re.compile(r"[ \t\r\n\f\xa0]+")
_TAG = re.compile(r"<[^<>]*>")
_URL = re.compile(r"(?:https?://|www\.)\S+", re.I)

_OPEN, _CLOSE = "open", "close"


def html_to_text(html: str) -> str:
    """Give the visible text, a line for each block, `> ` before each quoted line, ` | ` between cells.

    Where a link's text is no URL, its http target follows in angle brackets. Never raises: what
    lxml cannot read, or reads as nothing, is stripped of its tags.
    """
    html = html[:MAX_HTML_CHARACTERS]
    try:
        root = etree.fromstring(html.encode("utf-8", "replace"), etree.HTMLParser(encoding="utf-8"))
        text = _Lines().read(root) if root is not None else ""
    except (etree.LxmlError, ValueError):
        text = ""
    return text if text.strip() else _stripped(html)


def _stripped(html: str) -> str:
    html = re.sub(r"(?i)<hr\b[^<>]*>", f"\n{RULER}\n", html)
    return _TAG.sub(" ", re.sub(r"(?i)<(?:br|/p|/div)\b[^<>]*>", "\n", html))


def _walk(root: "etree._Element") -> Iterator[tuple[str, "etree._Element"]]:
    """Go through the tree without recursion; a hidden element is not entered."""
    stack: list[tuple[str, etree._Element]] = [(_OPEN, root)]
    while stack:
        step, element = stack.pop()
        yield step, element
        if step == _OPEN and not _unseen(element):
            stack.append((_CLOSE, element))
            stack.extend((_OPEN, child) for child in reversed(element))


def _unseen(element: "etree._Element") -> bool:
    if not isinstance(element.tag, str) or element.tag in _SKIP:
        return True
    style = element.get("style") or ""
    return element.get("hidden") is not None or (bool(_HIDING.search(style)) and _hides(style))


def _hides(style: str) -> bool:
    declarations = re.sub(r"\s+", "", style).lower().split(";")
    return any(_HIDDEN.fullmatch(declaration) for declaration in declarations)


class _Lines:
    """Collects the lines of one document."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.line: list[str] = []
        self.quotes = 0
        self.preformatted = 0

    def read(self, root: "etree._Element") -> str:
        for step, element in _walk(root):
            if step == _OPEN:
                if _unseen(element):
                    self.add(element.tail)
                else:
                    self.open(element)
            else:
                self.close(element)
        self.end_line()
        return "\n".join(self.lines)

    def open(self, element: "etree._Element") -> None:
        tag = element.tag
        if tag == "br":
            self.end_line(always=True)
        elif tag == "hr":
            self.end_line()
            self.line.append(RULER)
            self.end_line(blank=True)
        elif tag in ("td", "th"):
            if element.getprevious() is not None:
                self.line.append(" | ")
        elif tag in _BLOCK and not self.in_cell(element):
            self.end_line(blank=tag in _SPACED)
        if tag == "li":
            self.line.append("- ")
        if tag == "img":
            self.add(element.get("alt"))
        self.quotes += _quoting(element)
        self.preformatted += tag == "pre"
        self.add(element.text)

    def close(self, element: "etree._Element") -> None:
        tag = element.tag
        if tag == "a":
            self.add(_target(element))
        if tag in _BLOCK and not self.in_cell(element):
            self.end_line(blank=tag in _SPACED)
        elif tag in _BLOCK:
            self.line.append(" ")
        self.quotes -= _quoting(element)
        self.preformatted -= tag == "pre"
        self.add(element.tail)

    def in_cell(self, element: "etree._Element") -> bool:
        """Whether it is a lone paragraph of a cell, which does not break the row's line."""
        parent = element.getparent()
        return parent is not None and parent.tag in ("td", "th") and len(parent) == 1

    def add(self, text: str | None) -> None:
        if not text:
            return
        if self.preformatted:
            first, *rest = text.split("\n")
            self.line.append(first)
            for line in rest:
                self.end_line(always=True)
                self.line.append(line)
        else:
            self.line.append(_BLANKS.sub(" ", text))

    def end_line(self, *, blank: bool = False, always: bool = False) -> None:
        text = "".join(self.line).strip()
        self.line.clear()
        mark = "> " * self.quotes
        if text or always:
            self.lines.append(mark + re.sub(r"  +", " ", text))
        if blank and self.lines and self.lines[-1].strip("> "):
            self.lines.append(mark.rstrip())


def _quoting(element: "etree._Element") -> int:
    if element.tag == "blockquote":
        return 0 if _inside_quoting(element) else 1
    return 1 if _QUOTING.search(element.get("class") or "") and not _inside_quoting(element) else 0


def _inside_quoting(element: "etree._Element") -> bool:
    """A Gmail blockquote stands in a Gmail quotation: one level, not two."""
    parent = element.getparent()
    return parent is not None and bool(_QUOTING.search(parent.get("class") or ""))


def _target(element: "etree._Element") -> str:
    target = (element.get("href") or "").strip()
    shown = "".join(element.itertext())
    if not target.lower().startswith(("http://", "https://")) or _URL.search(shown):
        return ""
    return f" <{target}>"
