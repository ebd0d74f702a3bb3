"""The house rules that a machine can hold; each failure says which rule and how to mend it."""

import ast
import statistics
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from maild.config import Config, commented, config_of
from maild.edge.templates import faults

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "maild"
MODULES = sorted(PACKAGE.rglob("*.py"))

FLOORS = {
    "mail": 0,
    "config": 0,
    "values": 0,
    "trouble": 0,
    "operating": 0,
    "reading": 1,
    "incident": 2,
    "roster": 2,
    "letters": 3,
    "edge": 4,
    "door": 4,
    "desk": 4,
    "pump": 4,
    "loops": 4,
    "delivery": 4,
    "reports": 4,
    "keeping": 4,
    "alarms": 4,
    "canary": 4,
    "minding": 5,
    "health": 5,
    "watcher": 4,
    "site": 5,
    "supervisor": 5,
    "trust": 5,
    "daemon": 5,
    "cli": 6,
    "__main__": 6,
}
IMPURE = {"asyncio", "socket", "sqlite3", "smtplib", "os", "pathlib", "time", "random", "logging"}
# A library of the outside world, and the modules that may know it.
KNOWN_TO = {
    "aiosmtpd": {"edge/smtp_in/"},
    "aiosmtplib": {"edge/smtp_out/"},
    "aioimaplib": {"edge/imap_in.py"},
    "sqlite_utils": {"edge/store/"},
    "jinja2": {"edge/templates.py"},
    "matplotlib": {"edge/plots.py"},
    "css_inline": {"edge/templates.py"},
    "lxml": {"mail/html.py"},
    "authheaders": {"edge/authentication.py"},
    "authres": {"mail/results.py", "edge/authentication.py"},
    "dkim": {"edge/signing.py", "edge/authentication.py"},
    "dns": {"edge/authentication.py"},
    "spf": {"edge/authentication.py"},
    "flufl": {"mail/bounce.py"},
    "prometheus_client": {"edge/metrics.py"},
    "email_validator": {"values.py", "edge/files.py"},
}
BANNED = {
    "utils",
    "util",
    "helpers",
    "helper",
    "common",
    "manager",
    "handler",
    "service",
    "base",
    "misc",
}
MAX_MODULE_LINES = 400
MAX_FUNCTION_LINES = 45
MAX_MEDIAN_LINES = 10


def place(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


def floor(path: Path) -> int:
    room = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
    return FLOORS.get(room, 6)


def imports(tree: ast.AST) -> Iterator[tuple[str, int]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module, node.lineno


def functions(tree: ast.AST) -> Iterator[tuple[str, int]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            body = node.body[1:] if ast.get_docstring(node) else node.body
            last = max((child.end_lineno or 0 for child in body), default=node.lineno)
            first = body[0].lineno if body else node.lineno
            yield node.name, last - first + 1


@pytest.mark.parametrize("path", MODULES, ids=place)
def test_imports_go_down(path: Path) -> None:
    tree = ast.parse(path.read_text("utf-8"))
    for name, line in imports(tree):
        if not name.startswith("maild."):
            continue
        other = PACKAGE.joinpath(*name.split(".")[1:])
        assert floor(other) <= floor(path), (
            f"{place(path)}:{line} imports {name} from a floor above; "
            "move what is shared down, or hand it in as an argument (design, section 3)"
        )
        if place(path).startswith("edge/") and name.startswith("maild.edge."):
            room = place(path).split("/")[1]
            assert name.split(".")[2] == room.removesuffix(".py"), (
                f"{place(path)}:{line} imports its neighbour {name}; edges never know each other"
            )


@pytest.mark.parametrize("path", [p for p in MODULES if floor(p) < 4], ids=place)
def test_the_core_does_no_io(path: Path) -> None:
    tree = ast.parse(path.read_text("utf-8"))
    for name, line in imports(tree):
        assert name.split(".")[0] not in IMPURE, (
            f"{place(path)}:{line} imports {name}: floors 0 to 3 do no I/O and know no time; "
            "take the value as an argument (house rules 1 and 6)"
        )


@pytest.mark.parametrize("path", MODULES, ids=place)
def test_each_library_has_its_one_adapter(path: Path) -> None:
    tree = ast.parse(path.read_text("utf-8"))
    for name, line in imports(tree):
        allowed = KNOWN_TO.get(name.split(".")[0])
        assert allowed is None or any(place(path).startswith(a) for a in allowed), (
            f"{place(path)}:{line} imports {name}; only {sorted(allowed or ())} may know it"
        )


@pytest.mark.parametrize("path", MODULES, ids=place)
def test_no_import_hides_inside_a_function(path: Path) -> None:
    tree = ast.parse(path.read_text("utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            hidden = [n for n in ast.walk(node) if isinstance(n, ast.Import | ast.ImportFrom)]
            assert not hidden, f"{place(path)}: {node.name} imports inside; move it to the top"


@pytest.mark.parametrize("path", MODULES, ids=place)
def test_modules_and_functions_are_short(path: Path) -> None:
    text = path.read_text("utf-8")
    lines = text.count("\n")
    assert lines <= MAX_MODULE_LINES, (
        f"{place(path)} has {lines} lines; split it by what it is about"
    )
    for name, length in functions(ast.parse(text)):
        assert length <= MAX_FUNCTION_LINES, f"{place(path)}: {name} has {length} lines"


def test_the_median_function_is_short() -> None:
    lengths = [n for path in MODULES for _, n in functions(ast.parse(path.read_text("utf-8")))]
    assert statistics.median(lengths) < MAX_MEDIAN_LINES


@pytest.mark.parametrize("path", MODULES, ids=place)
def test_no_name_says_nothing(path: Path) -> None:
    parts = {part.removesuffix(".py") for part in path.relative_to(PACKAGE).parts}
    assert not parts & BANNED, f"{place(path)}: name it for what it does (design, section 7)"


@pytest.mark.parametrize("path", MODULES, ids=place)
def test_every_module_says_what_lives_in_it(path: Path) -> None:
    text = path.read_text("utf-8")
    assert not text.strip() or ast.get_docstring(ast.parse(text)), f"{place(path)}: no docstring"


@pytest.mark.parametrize("path", [p for p in MODULES if "cli" not in p.parts], ids=place)
def test_public_names_have_docstrings(path: Path) -> None:
    for node in ast.parse(path.read_text("utf-8")).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            public = not node.name.startswith("_")
            assert not public or ast.get_docstring(node), (
                f"{place(path)}: {node.name} has no docstring"
            )


def test_every_key_of_the_configuration_is_documented_and_init_writes_it() -> None:
    table = tomllib.loads(commented())
    assert config_of(table) == Config(), "maild init must write the defaults"
    for name, declared in Config.model_fields.items():
        keys = declared.annotation.model_fields  # type: ignore[union-attr]
        assert set(table[name]) == set(keys), f"[{name}]: `commented` must write every key"
        for key, field in keys.items():
            assert field.description, f"[{name}] {key}: say what it is for, where it is declared"


def test_every_template_is_rendered_by_a_test_with_strict_undefined() -> None:
    names = {path.name.removesuffix(".j2") for path in (ROOT / "templates").glob("*.j2")}
    source = "".join(p.read_text("utf-8") for p in MODULES) + "".join(
        p.read_text("utf-8") for p in (ROOT / "templates").glob("*.j2")
    )
    for name in names:
        stem = name.split(".")[0]
        used = f'"{stem}' in source or name in source or stem.startswith("owner_")
        assert used, f"templates/{name}.j2 is used by nobody; delete it"
    assert faults(ROOT / "templates") == []
