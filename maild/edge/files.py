"""Rules and templates: read once from disk, checked, and given inward as frozen data and functions.

A file of the operator's stands in for the default of the same name, and for nothing else.
"""

import difflib
import json
import re
import tomllib
from datetime import datetime
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from maild.config import Config, ConfigError, config_of
from maild.mail.headers import addresses, author, fields, first, split_content
from maild.mail.message import Envelope, RawMessage
from maild.reading.rules import Rules

PACKAGE = Path(__file__).resolve().parent.parent
RULE_FILES = ("severity", "phase", "people", "channel", "times", "cues", "mail", "policy")


class RulesError(Exception):
    """The rule set cannot be used; the text has one line for each mistake, with file and line."""


def default_folder(name: str) -> Path:
    """Find `rules` or `templates`: inside the installed package, else beside it in the source tree."""
    inside = PACKAGE / name
    return inside if inside.is_dir() else PACKAGE.parent / name


def load_config(path: Path) -> Config:
    """Read `maild.toml`. Raises ConfigError with every mistake, each with the file's name."""
    try:
        table = tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"{path}: {error}") from error
    try:
        return config_of(table)
    except ConfigError as error:
        lines = str(error).split("\n")
        raise ConfigError("\n".join(f"{path}: {line}" for line in lines)) from error


def load_rules(folder: Path | None = None) -> Rules:
    """Read the rule set; a file in `folder` replaces the default of that name.

    Raises RulesError with every mistake in every file.
    """
    problems: list[str] = []
    tables: dict[str, Any] = {}
    texts: dict[str, tuple[Path, str]] = {}
    for name in RULE_FILES:
        path = _path(folder, name)
        try:
            text = path.read_text("utf-8")
            table = tomllib.loads(text)
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            problems.append(f"{path}: {error}")
            continue
        texts[name] = (path, text)
        tables[name] = table.get(name, table) if list(table) == [name] else table
    if folder is not None:
        problems += _strangers(folder)
    if not problems:
        try:
            return TypeAdapter(Rules).validate_json(json.dumps(tables), strict=True)
        except ValidationError as error:
            problems += [_explain(detail, texts) for detail in error.errors(include_url=False)]
    raise RulesError("\n".join(problems))


def _path(folder: Path | None, name: str) -> Path:
    own = folder / f"{name}.toml" if folder is not None else None
    return own if own is not None and own.exists() else default_folder("rules") / f"{name}.toml"


def _strangers(folder: Path) -> list[str]:
    if not folder.is_dir():
        return [f"{folder}: there is no such folder of rules"]
    known = [f"{name}.toml" for name in RULE_FILES]
    return [
        f"{path}: no rule file has this name{_meant(path.name, known)}"
        for path in sorted(folder.glob("*.toml"))
        if path.name not in known
    ]


def _meant(word: str, known: list[str]) -> str:
    close = difflib.get_close_matches(word, known, 1)
    return f"; is {close[0]} meant?" if close else ""


def _explain(detail: Any, texts: dict[str, tuple[Path, str]]) -> str:
    """Say file, line, key and what was expected, for one of pydantic's errors."""
    name, *rest = (str(step) for step in detail["loc"])
    path, text = texts[name]
    keys = [key for key in rest if not key.isdigit()]
    line = _line(text, keys)
    key = ".".join(rest)
    if detail["type"] == "missing":
        return f"{path}: {key} is missing"
    if detail["type"] == "unexpected_keyword_argument":
        return f"{path}:{line}: {key} is no key of this file"
    return f"{path}:{line}: {key} = {json.dumps(detail['input'])[:60]}: {detail['msg'].lower()}"


def _line(text: str, keys: list[str]) -> int:
    """Find the line of the last key, behind the lines of the tables that lead to it; 1-based."""
    at = 0
    for key in keys:
        found = re.compile(rf"(?m)^\s*(?:\[+[\w.\"-]*)?\b{re.escape(key)}\b").search(text, at)
        at = found.start() if found else at
    return text.count("\n", 0, at + 1) + 1


def raw_from_file(content: bytes, received_at: datetime, posting_address: str) -> RawMessage:
    """Make a message of octets that come from a file: the envelope is what its fields say.

    The reverse-path is the topmost Return-Path (`<>` is the null one), else From; the recipient is
    Delivered-To, else X-Original-To, else the list's addresses in To and Cc, else the posting
    address (interface, "JSON of maild read and maild replay").
    """
    if content.startswith(b"From ") and b"\n" in content:
        content = content.partition(b"\n")[2]
    found = fields(split_content(content)[0])
    path = first(found, "return-path")
    reverse_path = path.strip().strip("<>").strip() if path else author(found).address
    local, _, domain = posting_address.lower().partition("@")
    boxes = [box.address for box in (*addresses(found, "to"), *addresses(found, "cc"))]
    ours = [
        box
        for box in boxes
        if box.lower().endswith(f"@{domain}")
        and re.match(rf"{re.escape(local)}(?:[+-]|@)", box.lower())
    ]
    delivered = [
        box.address for name in ("delivered-to", "x-original-to") for box in addresses(found, name)
    ]
    recipients = tuple(delivered[:1] or ours or [posting_address])
    return RawMessage(Envelope(reverse_path or None, recipients), content, received_at, "file")
