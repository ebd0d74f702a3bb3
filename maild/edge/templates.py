"""Templates: found, compiled and rendered; a missing value is a mistake, never an empty place."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from jinja2 import ChoiceLoader, FileSystemLoader, StrictUndefined, TemplateError
from jinja2.sandbox import SandboxedEnvironment

from maild.letters.html import blocks, mailto
from maild.letters.layout import fill, row
from maild.reading.rules import Step


class TemplatesError(Exception):
    """A template cannot be used; the text names file and line."""


def scale_lines(steps: Sequence[Step]) -> str:
    """Set a scale in columns: "1 critical    complete outage, or data lost"."""
    width = max(len(step.name) for step in steps) + 2
    return "\n".join(f"{step.number} {step.name.ljust(width)}{step.meaning}" for step in steps)


def renderer(default: Path, own: Path | None = None) -> Callable[[str, Mapping[str, object]], str]:
    """Give the function that renders a template by its name ("receipt.txt").

    own: a folder whose templates stand in for the defaults of the same name. Raises TemplatesError
    when rendering, where a template is missing or names what its model does not have.
    """
    folders = [folder for folder in (own, default) if folder is not None]
    environment = SandboxedEnvironment(
        loader=ChoiceLoader([FileSystemLoader(folder) for folder in folders]),
        undefined=StrictUndefined,
        autoescape=lambda name: name is not None and ".html" in name,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=False,
    )
    environment.filters.update(
        fill=fill, row=row, scale=scale_lines, blocks=lambda text: list(blocks(text)), mailto=mailto
    )

    def render(name: str, model: Mapping[str, object]) -> str:
        try:
            return environment.get_template(f"{name}.j2").render(model)
        except TemplateError as error:
            raise TemplatesError(f"template {name}.j2: {error}") from error

    return render
