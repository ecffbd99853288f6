"""What all figures with axes share: paper, letters, a scale of bytes, and the file they become."""

from __future__ import annotations

# matplotlib's own types leave keyword arguments open.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
import warnings
from io import BytesIO
from typing import Any

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hmcos.report.pictures.colours import FAINT, INK, PAPER
from hmcos.words import printable

_UNITS = ((1024**3, "GiB"), (1024**2, "MiB"), (1024, "KiB"), (1, "bytes"))
_STYLE: dict[Any, Any] = {
    "font.family": "sans-serif",
    "font.size": 10,
    "svg.hashsalt": "hmcos",  # else every file has ids of its own
    "svg.fonttype": "none",
    "pdf.fonttype": 42,
}
_DPI = 160


def figure(title: str) -> tuple[Figure, Axes]:
    """Return an empty figure with its title and axes; the axes leave out the frame's top and right."""
    made = Figure(figsize=(10, 5.2), facecolor=PAPER, layout="constrained")
    axes = made.add_subplot()
    axes.set_title(plain(title), loc="left", color=INK, fontsize=12)
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["bottom", "left"]].set_color(FAINT)
    axes.tick_params(colors=INK)
    axes.set_xlabel("step", color=INK)
    return made, axes


def plain(text: str) -> str:
    """Return text that is shown as it stands: nothing in it is a formula or a line end."""
    return printable(text).replace("$", r"\$")


def unit(largest: int) -> tuple[int, str]:
    """Return the bytes and the name of the binary unit that suits sizes up to the largest one."""
    return next(((size, name) for size, name in _UNITS if largest >= size), _UNITS[-1])


def encoded(made: Figure, form: str, sharp: float = _DPI) -> bytes:
    """Return a figure as svg, pdf or png of so many pixels per inch; equal figures become equal bytes."""
    file = BytesIO()
    dates = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}
    with rc_context(_STYLE), warnings.catch_warnings():
        # Names may hold letters that no font here has: these become boxes, which is all there is to say.
        warnings.filterwarnings("ignore", message="Glyph .* missing")
        made.savefig(file, format=form, dpi=sharp, metadata=dates.get(form, {}))
    return file.getvalue()
