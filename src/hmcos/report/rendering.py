"""DOT text as a picture: the `dot` program of Graphviz, run in a process of its own."""

from __future__ import annotations

import shutil
import subprocess
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from hmcos.errors import ToolError
from hmcos.plan.limits import Observer

LAYOUT_SECONDS = 30.0
"""Seconds after which one way of laying out is given up for the next."""
_WAYS = (
    (),
    ("-Gsplines=line", "-Gnslimit=1", "-Gnslimit1=1", "-Gmclimit=0.1", "-Gmaxiter=100"),
    ("-Ksfdp",),
)
"""Options from the most beautiful layout to the fastest: layers, hasty layers, springs."""
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

    What takes longer than `seconds` is tried in faster ways.

    Raises:
        ToolError: the program is missing or fails, or even the fastest layout takes longer.
    """
    program = check_dot()
    with TemporaryDirectory(prefix="hmcos-") as name:
        # Files instead of pipes: nothing has to be read and written while we wait.
        source, picture, said = (Path(name, file) for file in ("graph.dot", "picture", "said"))
        source.write_text(text, encoding="utf-8")
        code: int | None = None
        for way in _WAYS:
            command = [program, f"-T{form}", "-o", str(picture), str(source), *way]
            with said.open("wb") as words:
                process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=words, stderr=words)
                code = _wait(process, observer, seconds)
            if code is not None:
                break
        if code is None:
            raise ToolError(
                f"dot needs more than {seconds:g} seconds for this graph; draw --what top, or write DOT "
                "text with -o FILE.dot and lay it out with sfdp"
            )
        if code < 0:
            raise ToolError(f"dot was stopped by signal {-code}; nothing was drawn")
        if code or not picture.is_file():
            lines = said.read_text(encoding="utf-8", errors="replace").strip().splitlines()
            raise ToolError(f"dot cannot draw this graph: {lines[0] if lines else f'exit code {code}'}")
        return picture.read_bytes()


def _wait(process: subprocess.Popen[bytes], observer: Observer, seconds: float) -> int | None:
    """Return the exit code of a process, None when it took too long; it has ended in any case."""
    end = time.perf_counter() + seconds
    try:
        while time.perf_counter() < end:
            try:
                return process.wait(min(_PATIENCE, seconds))
            except subprocess.TimeoutExpired:
                observer.progress("drawing with dot", 0, 0, 0)
    finally:
        process.kill()
        process.wait()
    return None
