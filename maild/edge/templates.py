"""Templates: found, compiled and rendered; a missing value is a mistake, never an empty place.

An HTML letter is written with a style sheet and sent without: many mail programs know only the
style attribute. `{% filter inlined %}` moves the rules there; media queries (dark mode) stay.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from css_inline import CSSInliner
from jinja2 import (
    ChoiceLoader,
    FileSystemLoader,
    StrictUndefined,
    TemplateError,
    TemplateSyntaxError,
)
from jinja2.sandbox import SandboxedEnvironment
from markupsafe import Markup

from maild.letters.html import blocks, mailto
from maild.letters.layout import fill, row
from maild.reading.rules import Step
from maild.trouble import Broken

_INLINER: Final = CSSInliner(keep_at_rules=True, load_remote_stylesheets=False)


class TemplatesError(Exception):
    """A template cannot be used; the text names file and line."""


def scale_lines(steps: Sequence[Step]) -> str:
    """Set a scale in columns: "1 critical    complete outage, or data lost"."""
    width = max(len(step.name) for step in steps) + 2
    return "\n".join(f"{step.number} {step.name.ljust(width)}{step.meaning}" for step in steps)


def renderer(default: Path, own: Path | None = None) -> Callable[[str, Mapping[str, object]], str]:
    """Give the function that renders a template by its name ("receipt.txt").

    own: a folder whose templates stand in for the defaults of the same name. Raises TemplatesError
    when rendering, where a template is missing or names what its model does not have; Broken where
    its file cannot be read just now.
    """
    environment = _environment(default, own)

    def render(name: str, model: Mapping[str, object]) -> str:
        try:
            return environment.get_template(f"{name}.j2").render(model)
        except TemplateError as error:
            raise TemplatesError(f"template {name}.j2: {error}") from error
        except OSError as error:
            raise Broken(f"template {name}.j2: {error}") from error

    return render


def faults(default: Path, own: Path | None = None) -> list[str]:
    """List the templates that cannot be used, each with its place and what is wrong.

    What a template names is checked when it is rendered; here, whether it compiles, and whether
    an own one stands in for a default at all.
    """
    environment = _environment(default, own)
    known = {path.name for path in default.glob("*.j2")}
    strange = sorted(path.name for path in own.iterdir()) if own and own.is_dir() else []
    problems = [f"{own}/{n}: no template has this name" for n in strange if n not in known]
    if own is not None and not own.is_dir():
        problems.append(f"{own}: there is no such folder of templates")
    for name in sorted(known):
        try:
            environment.get_template(name)
        except TemplateSyntaxError as error:
            problems.append(f"{error.filename}:{error.lineno}: {error.message}")
    return problems


def _environment(default: Path, own: Path | None) -> SandboxedEnvironment:
    folders = [folder for folder in (own, default) if folder is not None]
    environment = SandboxedEnvironment(
        loader=ChoiceLoader([FileSystemLoader(folder) for folder in folders]),
        undefined=StrictUndefined,
        # What was edited counts from a reload on, which looks at it first.
        auto_reload=False,
        autoescape=lambda name: name is not None and ".html" in name,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=False,
    )
    environment.filters.update(
        fill=fill,
        row=row,
        scale=scale_lines,
        blocks=lambda text: list(blocks(text)),
        mailto=mailto,
        inlined=lambda html: Markup(_INLINER.inline(str(html))),
    )
    return environment
