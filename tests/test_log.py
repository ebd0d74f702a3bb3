"""`docs/log.md` names every event that the code logs, with its fields, and no other."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

from maild.incident.entry import Verdict

ROOT = Path(__file__).resolve().parent.parent
# Where the name of an event is no constant: what it can be there; () passes on what others name.
COMPUTED = {
    "pump.py": get_args(Verdict),
    "health.py": (),
    "edge/log.py": (),
}
ROW = re.compile(r"^\| `(\w+)` \| [^|]+ \| ([^|]*) \| [^|]+ \|$", re.M)


def is_log(function: ast.expr) -> bool:
    match function:
        case ast.Name("log") | ast.Attribute(attr="log"):
            return True
        case ast.Attribute(ast.Name("log" | "logger"), "info" | "exception" | "error"):
            return True
        case ast.Call(ast.Name("set_up")):
            return True
        case _:
            return False


def logged() -> dict[str, set[str]]:
    """Give the fields of each event, by all places that log it."""
    found: dict[str, set[str]] = {}
    for place, call in calls():
        match call.args[0]:
            case ast.Constant(str(name)):
                names: tuple[str, ...] = (name,)
            case ast.IfExp(body=ast.Constant(str(one)), orelse=ast.Constant(str(other))):
                names = (one, other)
            case _:
                assert place in COMPUTED, f"{place}:{call.lineno}: name the event by a constant"
                names = COMPUTED[place]
        fields = {str(keyword.arg) for keyword in call.keywords}
        if isinstance(call.func, ast.Attribute) and call.func.attr == "exception":
            fields.add("error")
        for name in names:
            found.setdefault(name, set()).update(fields)
    return {name: {"exception" if f == "error" else f for f in fs} for name, fs in found.items()}


def calls() -> Iterator[tuple[str, ast.Call]]:
    for path in sorted((ROOT / "maild").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not isinstance(node, ast.Call) or not node.args:
                continue
            if isinstance(node.func, ast.Name) and node.func.id == "partial":
                node = ast.copy_location(
                    ast.Call(*node.args[:1], node.args[1:], node.keywords), node
                )
            if is_log(node.func) and node.args:
                yield path.relative_to(ROOT / "maild").as_posix(), node


def documented() -> dict[str, set[str]]:
    text = (ROOT / "docs/log.md").read_text("utf-8")
    return {name: set(re.findall(r"`(\w+)`", fields)) for name, fields in ROW.findall(text)}


def test_every_event_that_is_logged_is_documented_and_no_other() -> None:
    code, docs = set(logged()), set(documented())
    assert code - docs == set(), "logged, and not in docs/log.md"
    assert docs - code == set(), "in docs/log.md, and logged nowhere"


def test_every_field_is_documented_and_no_other() -> None:
    docs = documented()
    for name, fields in logged().items():
        assert fields == docs[name], f"docs/log.md: the fields of {name}"


def test_the_events_are_in_the_order_of_the_alphabet() -> None:
    names = list(documented())
    assert names == sorted(names)
