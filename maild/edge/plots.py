"""Pictures of figures, where matplotlib is installed (the extra `plots`); without it there are none."""

import io
from typing import Any

try:
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine
    from matplotlib.ticker import MaxNLocator
except ImportError:
    Figure: Any = None  # type: ignore[no-redef]

from maild.letters.report import Chart

_GREY = "#5a6169"


def draw(chart: Chart) -> bytes | None:
    """Draw a chart as PNG; None where matplotlib is not installed, or where there is nothing to see."""
    if Figure is None or not any(value for _, _, values in chart.series for value in values):
        return None
    figure = Figure(
        figsize=(4.6, 2.0), dpi=160, layout=ConstrainedLayoutEngine(h_pad=0.1, w_pad=0.1)
    )
    axes = figure.subplots()
    bottom = [0.0] * len(chart.labels)
    for name, colour, values in chart.series:
        axes.bar(chart.labels, values, 0.55, bottom=bottom, color=colour, label=name or None)
        bottom = [low + value for low, value in zip(bottom, values, strict=True)]
    axes.set_title(chart.title, loc="left", fontsize=10, color="#1b1b1b")
    axes.set_ylabel(chart.unit, color=_GREY)
    axes.tick_params(length=0, labelcolor=_GREY, labelsize=9)
    axes.yaxis.set_major_locator(MaxNLocator(5, integer=True))
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.grid(axis="y", color="#e3e6ea", linewidth=0.8)
    axes.set_axisbelow(True)
    if any(name for name, _, _ in chart.series):
        axes.legend(frameon=False, fontsize=8, loc="upper left", bbox_to_anchor=(1, 1))
    written = io.BytesIO()
    figure.savefig(written, format="png", metadata={"Software": None})
    return written.getvalue()
