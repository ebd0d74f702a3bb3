"""Rules and templates: read once from disk, checked, and given inward as frozen data and functions.

A file of the operator's stands in for the default of the same name, and for nothing else.
"""

import re
import tomllib
from datetime import datetime
from pathlib import Path
from typing import Final

from maild.mail.envelope import raw_from_fields
from maild.mail.message import RawMessage
from maild.reading.checked import RULE_FILES, Mistake, checked, meant
from maild.reading.rules import Rules

PACKAGE = Path(__file__).resolve().parent.parent
_NAME: Final = r"""(?P<name>(?:[\w-]+|"[^"]*"|'[^']*')(?:\s*\.\s*(?:[\w-]+|"[^"]*"|'[^']*'))*)"""
_TABLE: Final = re.compile(rf"^\s*\[(?P<many>\[)?\s*{_NAME}\s*\]")
_KEY: Final = re.compile(rf"^\s*{_NAME}\s*=")


class RulesError(Exception):
    """The rule set cannot be used; the text has one line for each mistake, with file and line."""


def default_folder(name: str) -> Path:
    """Find `rules` or `templates`: inside the installed package, else beside it in the source tree."""
    inside = PACKAGE / name
    return inside if inside.is_dir() else PACKAGE.parent / name


def load_rules(folder: Path | None = None) -> Rules:
    """Read the rule set; a file in `folder` replaces the default of that name.

    Raises RulesError with every mistake in every file.
    """
    problems: list[tuple[Path, int, str]] = [] if folder is None else _strangers(folder)
    tables: dict[str, object] = {}
    texts: dict[str, tuple[Path, str]] = {}
    for name in RULE_FILES:
        path, text = _path(folder, name), ""
        try:
            text = path.read_text("utf-8")
            table = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            problems.append((path, *_no_toml(text, error)))
        except (OSError, UnicodeDecodeError) as error:
            problems.append((path, 0, str(error)))
        else:
            texts[name] = (path, text)
            tables[name] = _unwrapped(name, table)
    rules, mistakes = checked(tables)
    problems += [_explained(mistake, *texts[str(mistake.where[0])]) for mistake in mistakes]
    if problems or rules is None:
        raise RulesError("\n".join(_line_of(*problem) for problem in sorted(problems)))
    return rules


def _line_of(path: Path, line: int, what: str) -> str:
    return f"{path}:{line}: {what}" if line else f"{path}: {what}"


def _path(folder: Path | None, name: str) -> Path:
    own = folder / f"{name}.toml" if folder is not None else None
    return own if own is not None and own.exists() else default_folder("rules") / f"{name}.toml"


def _strangers(folder: Path) -> list[tuple[Path, int, str]]:
    if not folder.is_dir():
        return [(folder, 0, "there is no such folder of rules")]
    known = [f"{name}.toml" for name in RULE_FILES]
    return [
        (path, 0, f"no rule file has this name{meant(path.name, known)}")
        for path in sorted(folder.glob("*.toml"))
        if path.name not in known
    ]


def _unwrapped(name: str, table: dict[str, object]) -> object:
    """Take off the table of the file's own name, [severity] in severity.toml; what else stands
    there stays, to be named as unknown.
    """
    own = table.pop(name, {})
    return {**table, **own} if isinstance(own, dict) else {**table, name: own}


def _no_toml(text: str, error: tomllib.TOMLDecodeError) -> tuple[int, str]:
    """Take the line out of tomllib's words: it stands in front, as for every other mistake."""
    match = re.fullmatch(r"(.*) \(at line (\d+), column \d+\)", str(error))
    what = match[1] if match else str(error)
    line = int(match[2]) if match else text.rstrip().count("\n") + 1
    if not text.split("\n")[line - 1].partition("=")[0].isascii():
        what += '; a key with other letters than a to z stands in quotes: "fünf" = 5'
    return line, f"this is no TOML: {what[:1].lower()}{what[1:]}"


def _explained(mistake: Mistake, path: Path, text: str) -> tuple[Path, int, str]:
    """Find the line of a mistake's key, or else of the table that it belongs to."""
    name, *keys = mistake.where
    lines = _lines(text, str(name))
    known = (tuple(keys[:n]) for n in range(len(keys), -1, -1))
    line = next((lines[place] for place in known if place in lines), 1)
    # People count from 1: "step.2.number".
    key = ".".join(str(step + 1) if isinstance(step, int) else step for step in keys)
    return path, line, f"{key or name} {mistake.what}"


def _lines(text: str, name: str) -> dict[tuple[str | int, ...], int]:
    """Find the line of every table and key of a file, which tomllib does not tell; 1-based."""
    found: dict[tuple[str | int, ...], int] = {}
    table: tuple[str | int, ...] = ()
    for number, line in enumerate(text.split("\n"), 1):
        if head := _TABLE.match(line):
            table = tuple(_bare(head["name"]))
            table = table[1:] if table[:1] == (name,) else table
            if head["many"]:
                table = (
                    *table,
                    sum(key[:-1] == table and isinstance(key[-1], int) for key in found),
                )
            found[table] = number
        elif key := _KEY.match(line):
            found.setdefault((*table, *_bare(key["name"])), number)
    return found


def _bare(dotted: str) -> list[str]:
    return [step.strip(" \t\"'") for step in dotted.split(".")]


def raw_from_file(content: bytes, received_at: datetime, posting_address: str) -> RawMessage:
    """Make a message of octets that come from a file: the envelope is what its fields say."""
    return raw_from_fields(content, received_at, posting_address, "file")
