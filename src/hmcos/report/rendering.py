"""DOT text as a picture: the `dot` program of Graphviz, run in a process of its own."""

from __future__ import annotations

import shutil
import subprocess
import time

from hmcos.errors import ToolError
from hmcos.plan.limits import Observer

LAYOUT_SECONDS = 120.0
"""Seconds after which a layout is given up."""
_PATIENCE = 0.2
"""Seconds between two looks at the process."""


def check_dot() -> str:
    """Return the path of the `dot` program.

    Raises:
        ToolError: it is not installed.
    """
    found = shutil.which("dot")
    if found is None:
        raise ToolError(
            "the program dot of Graphviz is not installed; install it (apt install graphviz, brew install "
            "graphviz, or https://graphviz.org/download) or write DOT text with -o FILE.dot"
        )
    return found


def render(text: str, form: str, observer: Observer, seconds: float = LAYOUT_SECONDS) -> bytes:
    """Return DOT text as svg, pdf or png.

    Raises:
        ToolError: the program is missing, fails, or takes longer than `seconds`.
    """
    command = [check_dot(), f"-T{form}"]
    begun = time.perf_counter()
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        content: bytes | None = text.encode()
        try:
            while time.perf_counter() - begun < seconds:
                try:
                    picture, complaints = process.communicate(content, timeout=_PATIENCE)
                except subprocess.TimeoutExpired:
                    content = None  # what is left of it is sent by the next call
                    observer.progress("drawing with dot", 0, 0, 0)
                else:
                    return _checked(process.returncode, picture, complaints)
        finally:
            process.kill()
    raise ToolError(
        f"dot needs more than {seconds:g} seconds for this graph; draw --what top, or write DOT text with "
        "-o FILE.dot and lay it out with sfdp"
    )


def _checked(code: int, picture: bytes, complaints: bytes) -> bytes:
    if code or not picture:
        said = complaints.decode(errors="replace").strip().splitlines() or [f"exit code {code}"]
        raise ToolError(f"dot cannot draw this graph: {said[0]}")
    return picture
