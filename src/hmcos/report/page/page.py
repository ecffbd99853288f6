"""The page as one file: template, style, script, charts and data."""

from __future__ import annotations

import json
import re
import zlib
from base64 import b64decode, b64encode
from contextlib import suppress
from html import escape
from importlib.util import find_spec
from os import PathLike
from pathlib import Path
from typing import Any

from hmcos.errors import ToolError
from hmcos.report.page.data import page_data
from hmcos.report.words.advice_words import verdict
from hmcos.staging import write
from hmcos.tasks.explain.explanation import Explanation
from hmcos.words import printable

NAME = "report.html"
"""The file name of the page beside a plan."""
_FOLDER = Path(__file__).parent
_MARKS = (
    b'<meta name="generator" content="hmcos">',
    b'<p class="eyebrow">Memory of a network, explained</p>',
)
"""What only a page of hmcos contains near its start; older pages have only the second."""
_START = 2**16
"""Bytes of a page in which the marks are, after its styles."""


def write_page(explanation: Explanation, place: str | PathLike[str]) -> Path:
    """Write the page that explains a plan, one file that needs nothing else, and return its path.

    Raises:
        ToolError: plotly is not installed.
        OutputError: the file cannot be written.
    """
    write(Path(place), page_text(explanation).encode())
    return Path(place)


def page_text(explanation: Explanation) -> str:
    """Return the page as HTML.

    Raises:
        ToolError: plotly is not installed.
    """
    plan = explanation.plan
    parts = {
        "title": escape(f"Memory of {printable(plan.source.title)}"),
        "verdict": escape(printable(verdict(plan))),
        "style": _read("page.css"),
        "plotly": plotly_script().read_text(encoding="utf-8"),
        "data": _packed(page_data(explanation)),
        "script": _read("page.js"),
    }
    return re.sub(r"\{\{(\w+)\}\}", lambda match: parts[match[1]], _read("page.html"))


def _packed(data: object) -> str:
    """Return data as text that is a fifth as long, and in which no name can end the script around it."""
    return b64encode(zlib.compress(json.dumps(data, separators=(",", ":")).encode())).decode()


def unpacked(page: str) -> dict[str, Any]:
    """Return the data in a page, as `page_data` made it."""
    match = re.search(r'id="data">([^<]*)<', page)
    assert match is not None, "every page holds its data"
    return json.loads(zlib.decompress(b64decode(match[1])))


def has_plotly() -> bool:
    """Return whether plotly's script, which becomes part of a page, is installed."""
    return _plotly_script() is not None


def is_foreign(place: Path) -> bool:
    """Return whether a file is there that `write_page` did not write, in this version or an older one."""
    with suppress(OSError, ValueError):  # if it cannot be read, it cannot be written either
        if place.is_file():
            with place.open("rb") as file:
                start = file.read(_START)
            return not any(mark in start for mark in _MARKS)
    return False


def plotly_script() -> Path:
    """Return where the script is that draws charts.

    Raises:
        ToolError: plotly is not installed.
    """
    place = _plotly_script()
    if place is None:
        raise ToolError("the page needs plotly; install it with: pip install 'hmcos[report]'")
    return place


def _plotly_script() -> Path | None:
    """Return where the script of plotly is; plotly itself, which takes a while, is not imported."""
    spec = find_spec("plotly")
    if spec is None or spec.origin is None:  # not installed, or a folder of the user that has this name
        return None
    place = Path(spec.origin).parent / "package_data" / "plotly.min.js"
    return place if place.is_file() else None


def _read(name: str) -> str:
    return (_FOLDER / name).read_text(encoding="utf-8")
