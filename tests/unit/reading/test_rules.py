"""The rule classes and docs/rules.md say the same."""

import re
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any, get_args

from maild.reading.rules import Rules

TEXT = (Path(__file__).parents[3] / "docs" / "rules.md").read_text("utf-8")


def leaves(wanted: Any) -> Iterator[str]:
    """Name the keys of a rule file that hold values, not tables."""
    for inner in (wanted, *get_args(wanted)):
        for field in fields(inner) if is_dataclass(inner) else ():
            below = list(leaves(field.type))
            yield from below or [field.name]


def test_every_key_of_every_file_is_explained() -> None:
    for field in fields(Rules):
        section = re.search(rf"(?s)### {field.name}\.toml\n(.*?)(?=\n##|\Z)", TEXT)
        assert section, f"docs/rules.md has no section on {field.name}.toml"
        if field.name in ("mail", "policy"):  # explained by table
            continue
        named = {word.split(".")[-1] for word in re.findall(r"`([\w.]+)`", section[1])}
        step = {"number", "name", "words", "meaning"} if "step" in named else set()
        missing = [key for key in leaves(field.type) if key not in named | step]
        assert not missing, f"docs/rules.md does not explain {missing} of {field.name}.toml"
