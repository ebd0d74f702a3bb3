"""What the author wrote in this mail: his own lines, without quotation, signature and footers.

format=flowed is undone, HTML becomes text, clear-signed text is taken out of its armour.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from maild.mail.html import html_to_text
from maild.mail.message import Address, Mail, Part
from maild.mail.phrases import Sieve, words_of
from maild.mail.quotes import quotation
from maild.mail.words import BoilerplateWords, MailWords, SignatureWords, SubjectWords

MAX_LINES = 5_000
MAX_SIGNATURE_LINES = 10
MAX_CLOSINGS = 5

# RFC 9580 §7: what begins clear-signed text, and what its signature stands between.
_SIGNED = re.compile(r"(?m)^-----BEGIN PGP SIGNED MESSAGE-----\n(?:[A-Za-z]++:[^\n]*+\n)*+\n?")
_PGP_SIGNATURE = "\n-----BEGIN PGP SIGNATURE-----"
_PGP_END = "-----END PGP SIGNATURE-----"
# "I am IC.", but not "Example Ltd."
_SENTENCE = re.compile(r"(?:[a-z]{3}|\d)[.!?]\s*$|(?<!\w)[a-z].*[.!?]\s*$")
_GRADE = re.compile(r"(?<!\w)[^\W\d_]+[ -]?\d(?![\w.-])")
_LABEL_START = re.compile(r"^\s*+[*•\-]?\s*+[*_]*+([^\W\d_][\w .()/-]{0,30}?)[*_]*\s*[:=|]")


@dataclass(frozen=True, slots=True)
class Written:
    """The author's own words.

    lines: in their order; an empty line stands wherever something was left out.
    author: who wrote them: the mail's author, or of a bare forward the forwarded mail's.
    quoted: whether anything of somebody else's was left out.
    """

    lines: tuple[str, ...]
    author: Address
    quoted: bool = False
    forwarded: bool = False

    @property
    def text(self) -> str:
        """The lines as one text."""
        return "\n".join(self.lines).strip()


def written(mail: Mail, words: MailWords) -> Written:
    """Take the author's own words out of a mail (reading rules, section 2 and 8.8 to 8.9)."""
    own: list[str] = []
    bare: tuple[tuple[str, ...], Address | None] | None = None
    quoted = False
    for part in mail.parts:
        lines = _lines(part)
        found = quotation(lines, words.quotation)
        kept = _own(lines, found.own, mail.author, words)
        quoted = quoted or len(found.own) < len(lines)
        own += [*kept, ""]
        if found.forward and bare is None:
            bare = (found.forward, found.forwarded_author)
    if bare is not None and not any(line.strip() for line in own) and not _is_reply(mail, words):
        return _forwarded(bare[0], bare[1] or mail.author, words)
    return Written(_squeezed(own), mail.author, quoted)


def _is_reply(mail: Mail, words: MailWords) -> bool:
    mark = mail.subject.partition(":")[0].strip().lower()
    return ":" in mail.subject and mark in words.subject.reply and mark not in words.subject.forward


def _forwarded(lines: Sequence[str], author: Address, words: MailWords) -> Written:
    found = quotation(lines, words.quotation)
    kept = _own(lines, found.own, author, words)
    if not any(line.strip() for line in kept) and found.forward:
        return _forwarded(found.forward, found.forwarded_author or author, words)
    if not any(line.strip() for line in kept) and any(
        line.lstrip().startswith(">") for line in lines
    ):
        plain = [re.sub(r"^\s*>\s?", "", line, count=1) for line in lines]
        return _forwarded(plain, author, words)
    return Written(_squeezed(kept), author, quoted=True, forwarded=True)


def _lines(part: Part) -> list[str]:
    text = html_to_text(part.text) if part.html else part.text
    text = text.replace("\ufeff", "")
    lines = _unarmoured(text).split("\n")[:MAX_LINES]
    return _unflowed(lines, part.delsp) if part.flowed else lines


def _unarmoured(text: str) -> str:
    """Take clear-signed text out of its armour and undo its dash escapes."""
    armour = _SIGNED.search(text) if _PGP_SIGNATURE in text else None
    signature = text.find(_PGP_SIGNATURE, armour.end() - 1) if armour else -1
    if armour is None or signature < 0:
        return text
    signed = re.sub(r"(?m)^- ", "", text[armour.end() : signature])
    end = text.find(_PGP_END, signature)
    below = text[end + len(_PGP_END) :] if end >= 0 else ""
    return text[: armour.start()] + signed + "\n" + below


def _unflowed(lines: Sequence[str], delsp: bool) -> list[str]:
    """Join the soft breaks of format=flowed (RFC 3676 §4), never over a change of quoting depth."""
    joined: list[str] = []
    open_depth = -1
    for line in lines:
        mark = re.match(r"^>*", line)
        depth = mark.end() if mark else 0
        text = line[depth:]
        text = text.removeprefix(" ")
        soft = text.endswith(" ") and text != "-- "
        body = text[:-1] if soft and delsp else text
        if open_depth == depth:
            joined[-1] += body
        else:
            joined.append((">" * depth + " " if depth else "") + body)
        open_depth = depth if soft else -1
    return joined


def _own(lines: Sequence[str], own: Sequence[int], author: Address, words: MailWords) -> list[str]:
    """Drop signatures, footers and notices from each run of own lines."""
    kept: list[str] = []
    run: list[str] = []
    last = -1
    for i in [*own, None]:
        if i is None or i != last + 1:
            kept += [*_unsigned(run, author, words), ""]
            run = []
        if i is not None:
            run.append(lines[i])
            last = i
    return kept


def _unsigned(run: list[str], author: Address, words: MailWords) -> list[str]:
    held = _sieve(words).held_by(" ".join(run).lower())
    if held:
        run = _without_boilerplate(run, words.boilerplate, held)
    footers = tuple(held.intersection(words.signature.footers))
    if footers:
        run = [line for line in run if not _is_footer(line, footers)]
    return run[: _signature_start(run, author, words.signature)]


@lru_cache(maxsize=8)
def _sieve(words: MailWords) -> Sieve:
    boilerplate = words.boilerplate
    return Sieve((*boilerplate.notices, *boilerplate.banners, *words.signature.footers))


def _is_footer(line: str, footers: tuple[str, ...]) -> bool:
    text = line.strip(" \t*_-—[(").lower()
    return len(text) < 100 and text.startswith(footers)


def _signature_start(run: Sequence[str], author: Address, words: SignatureWords) -> int:
    """Say at which line of the run the signature begins; its length where there is none."""
    for i, line in enumerate(run):
        if line in ("-- ", "--", "--\xa0", "—", "---") and _may_sign(run, i):
            return i
    filled = [i for i, line in enumerate(run) if line.strip()]
    # A name, and the closing above it, are found one after the other.
    for _ in range(MAX_CLOSINGS):
        start = _closing_start(run, filled, author, words)
        if start is None:
            break
        filled = filled[: filled.index(start)]
        run = run[:start]
    return len(run)


def _closing_start(
    run: Sequence[str], filled: Sequence[int], author: Address, words: SignatureWords
) -> int | None:
    """Find the lowest closing or name with nothing but a signature's lines below it.

    "Thanks" above everything else closes nothing, unless the author's name is all that follows.
    """
    last = filled[-MAX_SIGNATURE_LINES:]
    for i in reversed(last):
        below = [run[j] for j in last if j > i]
        if i == filled[0]:
            if _closes(run[i], words) and all(_is_name(line, author) for line in below):
                return i
        elif (_closes(run[i], words) or _is_name(run[i], author)) and _all_sign(below, words):
            return i
    return None


def _may_sign(run: Sequence[str], at: int) -> bool:
    """A delimiter with its blank signs whatever follows; one without, a few short lines."""
    below = [line for line in run[at + 1 :] if line.strip()]
    if run[at] == "-- ":
        return True
    return (
        any(map(str.strip, run[:at]))
        and len(below) <= MAX_SIGNATURE_LINES
        and all(len(line) < 90 for line in below)
    )


@lru_cache(maxsize=8)
def _closing_pattern(words: SignatureWords) -> re.Pattern[str]:
    closings = "|".join(re.escape(c) for c in sorted(words.closings, key=len, reverse=True))
    return re.compile(
        rf"^\s*(?:{closings})\s*(?:[,.!–—-]+\s*(?:[^\W\d_][\w'’.-]*\s*){{0,3}})?[,.!]*\s*$", re.I
    )


def _closes(line: str, words: SignatureWords) -> bool:
    return len(line) < 60 and _closing_pattern(words).match(line) is not None


def _is_name(line: str, author: Address) -> bool:
    text = line.strip(" -–—~,.*_")
    if not text or len(text) > 50:
        return False
    given = words_of(text)
    return bool(given) and set(given) <= set(words_of(author.name))


def _all_sign(below: Sequence[str], words: SignatureWords) -> bool:
    """Whether these lines may stand below a closing; a room of one's own, only among contacts."""
    others = [line for line in below if not _signs(line, words)]
    if not others:
        return True
    contacts = any(_label(line) in words.contacts for line in below)
    rooms = (_label(line) in words.rooms and not _GRADE.search(line) for line in others)
    return contacts and all(rooms)


def _label(line: str) -> str:
    label = _LABEL_START.match(line)
    return label[1].strip().lower() if label else ""


def _signs(line: str, words: SignatureWords) -> bool:
    """Whether a line may stand below a closing: short, no sentence, no label but of a contact.

    A word with one digit behind it ("Severity 2", "P1") is in doubt, and so is no signature.
    """
    if len(line) > 90 or _SENTENCE.search(line) or _GRADE.search(line):
        return False
    label = _label(line)
    return not label or "|" in line or label in words.contacts


def _without_boilerplate(
    run: list[str], words: BoilerplateWords, held: frozenset[str]
) -> list[str]:
    """Drop the paragraphs of gateways' banners and legal notices; held: the phrases in the run."""
    notices = tuple(held.intersection(words.notices))
    banners = tuple(held.intersection(words.banners))
    kept: list[str] = []
    for paragraph in _paragraphs(run):
        text = " ".join(paragraph).lower()
        if any(map(text.__contains__, notices)):
            while kept and (not kept[-1].strip() or re.fullmatch(r"\s*[_*=-]{3,}\s*", kept[-1])):
                kept.pop()
            paragraph = _before_notice(paragraph, notices)
        elif any(map(text.__contains__, banners)):
            paragraph = _without_banner(paragraph, banners)
        kept += [*paragraph, ""]
    return kept


def _before_notice(paragraph: list[str], notices: Sequence[str]) -> list[str]:
    """Keep the lines above the first of a notice; a rule of underscores begins it."""
    for i, line in enumerate(paragraph):
        if re.fullmatch(r"\s*[_*=-]{3,}\s*", line):
            return paragraph[:i]
    first = next(
        (i for i, line in enumerate(paragraph) if any(n in line.lower() for n in notices)), 0
    )
    return paragraph[:first] if first > 2 else []


def _without_banner(paragraph: list[str], banners: Sequence[str]) -> list[str]:
    if len(paragraph) <= 4:
        labels = [line for line in paragraph if _LABEL_START.match(line)]
        if len(labels) <= 1:
            return []
    return [line for line in paragraph if not any(phrase in line.lower() for phrase in banners)]


def _paragraphs(lines: Sequence[str]) -> list[list[str]]:
    found: list[list[str]] = [[]]
    for line in lines:
        if line.strip():
            found[-1].append(line)
        elif found[-1]:
            found.append([])
    return [paragraph for paragraph in found if paragraph]


def _squeezed(lines: Sequence[str]) -> tuple[str, ...]:
    """Leave one empty line at the most between two that are not."""
    kept: list[str] = []
    for line in lines:
        if line.strip() or (kept and kept[-1].strip()):
            kept.append(line.rstrip())
    while kept and not kept[-1].strip():
        kept.pop()
    return tuple(kept)


def clean_subject(subject: str, words: SubjectWords) -> tuple[str, bool, tuple[str, ...]]:
    """Take reply and forward marks and gateway marks off a subject.

    Returns the rest, whether a reply or forward mark stood there, and the bracketed tags in front
    (without their brackets), which are still part of the rest.
    """
    marks = {*words.reply, *words.forward}
    replied = False
    text = subject.strip()
    while True:
        match = re.match(r"^([^\W\d_]{1,16}(?:[’'][a-z])?)\s?(?:\[\d+\]|\(\d+\))?\s?[:：]\s*", text)
        if match and match[1].lower() in marks:
            replied, text = True, text[match.end() :]
            continue
        match = re.match(r"^[\[(*]{1,2}([^\])*]{1,40})[\])*]{1,2}\s*:?\s*", text)
        if match and match[1].strip().lower() in words.gateway:
            text = text[match.end() :]
            continue
        break
    tags = re.findall(r"\[([^\[\]]{1,60})\]", text)
    return text.strip(), replied, tuple(tags)
