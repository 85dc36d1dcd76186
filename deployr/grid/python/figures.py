"""Figures of matplotlib that are left open after the code are its unnamed plots, a file each."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

_SVG_DOTS = 72
"""Points per inch, which is what matplotlib writes SVG in."""


def pyplot() -> Any:
    """The module; ``None`` when nothing has imported it, so that no figure can be open."""
    return sys.modules.get("matplotlib.pyplot")


def forget() -> None:
    """Close what the code before left open in spite of :func:`save`."""
    plots = pyplot()
    if plots is not None and plots.get_fignums():
        plots.close("all")


def save(directory: str, graphics: str, width: int, height: int) -> None:
    """Save the open figures in the order of their numbers, and close them.

    Args:
        directory: made when there is something to save.
        graphics: ``png`` or ``svg``.
        width, height: in pixels; 0 leaves the figure's own size.
    """
    plots = pyplot()
    if plots is None:
        return
    for page, number in enumerate(plots.get_fignums(), start=1):
        Path(directory).mkdir(exist_ok=True)
        figure = plots.figure(number)
        _resize(figure, _SVG_DOTS if graphics == "svg" else figure.dpi, width, height)
        figure.savefig(Path(directory) / f"unnamedplot{page:03}.{graphics}", format=graphics)
    plots.close("all")


def _resize(figure: Any, dots: float, width: int, height: int) -> None:
    own_width, own_height = figure.get_size_inches()
    figure.set_size_inches(width / dots if width else own_width, height / dots if height else own_height)


def prepare() -> None:
    """Draw once, so that forks find fonts and code loaded; showing a figure leaves it to be saved."""
    plots = pyplot()
    if plots is None:
        return
    plots.show = lambda *arguments, **options: None
    plots.plot([1, 2])
    plots.gcf().canvas.draw()
    plots.close("all")
