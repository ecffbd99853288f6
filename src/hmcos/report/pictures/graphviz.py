"""Draw DOT text with the `dot` program of Graphviz, in a child process."""

from __future__ import annotations

import shutil

from hmcos import processes
from hmcos.errors import ToolError
from hmcos.limits import Observer
from hmcos.processes import SIGNALLED

LAYOUT_SECONDS = 30.0
"""Seconds after which one way of laying out is given up for the next."""
_WAYS = (
    (),
    ("-Gsplines=line", "-Gnslimit=1", "-Gnslimit1=1", "-Gmclimit=0.1", "-Gmaxiter=100"),
    ("-Ksfdp",),
)
"""Options from the most beautiful layout to the fastest: layers, hasty layers, springs."""


def has_dot() -> bool:
    """Return whether the `dot` program is installed."""
    return shutil.which("dot") is not None


def check_dot() -> str:
    """Return the path of the `dot` program.

    Raises:
        ToolError: it is not installed.
    """
    path = shutil.which("dot")
    if path is None:
        raise ToolError(
            "the program dot of Graphviz is not installed; install it (apt install graphviz, brew install "
            "graphviz, or https://graphviz.org/download)"
        )
    return path


def render(text: str, form: str, observer: Observer, seconds: float | None = None) -> bytes:
    """Return DOT text as svg, pdf or png.

    What takes longer than `seconds`, by default `LAYOUT_SECONDS`, is tried in faster ways.

    Raises:
        ToolError: the program is missing or fails, or even the fastest layout takes longer.
    """
    program, seconds = check_dot(), LAYOUT_SECONDS if seconds is None else seconds
    for way in _WAYS:
        ended = processes.run_program(
            [program, f"-T{form}", *way],
            text.encode(),
            waits=seconds,
            waiting=lambda: observer.progress("drawing with dot", 0, 0, 0),
        )
        if ended.code is not None:
            break
    else:
        raise ToolError(
            f"dot needs more than {seconds:g} seconds for this graph; draw --what top, or write DOT "
            "text with -o FILE.dot and lay it out with sfdp"
        )
    if ended.code > SIGNALLED:
        raise ToolError(f"dot was stopped by signal {ended.code - SIGNALLED}; nothing was drawn")
    if ended.code or not ended.answer:
        said = ended.log.strip().splitlines()
        raise ToolError(f"dot cannot draw this graph: {said[0] if said else f'exit code {ended.code}'}")
    return ended.answer
