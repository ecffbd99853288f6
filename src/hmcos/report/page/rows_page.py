"""The page of a row plan: one file that needs nothing else, drawn without any package."""

from __future__ import annotations

import json
import platform
import re
from collections.abc import Iterable, Iterator
from html import escape
from os import PathLike
from pathlib import Path

from hmcos.plan.row_plan import RowPlan
from hmcos.report.page.page import NAME
from hmcos.report.page.rows_svg import rows_svg, title_of
from hmcos.report.pictures.row_colours import FED, colour, ramp
from hmcos.report.words.row_words import ROLES, proof_words, saved_words
from hmcos.staging import write
from hmcos.tasks.draw.row_scene import RowScene, row_scene
from hmcos.version import __version__
from hmcos.words import human, printable

_FOLDER = Path(__file__).parent
_PLAN = ".plan.json"


def page_beside(plan: Path) -> Path:
    """Return where the page of a row plan goes: eyes.html beside eyes.plan.json, else report.html."""
    stem = plan.name.removesuffix(_PLAN)
    return plan.with_name(NAME if stem == plan.name or not stem else f"{stem}.html")


def write_rows_page(plan: RowPlan, place: str | PathLike[str]) -> Path:
    """Write the page of a row plan and return its path.

    Raises:
        OutputError: the file cannot be written.
    """
    write(Path(place), rows_page_text(plan).encode())
    return Path(place)


def rows_page_text(plan: RowPlan) -> str:
    """Return the page as HTML."""
    scene = row_scene(plan)
    name = printable(plan.source.title)
    parts = {
        "title": escape(f"{name}, row by row"),
        "verdict": escape(f"{name} runs in {plan.arena:,} bytes, {proof_words(plan)}."),
        "style": _read("page.css"),
        "rows_style": _read("rows.css"),
        "figures": "".join(_figures(plan)),
        "picture": rows_svg(scene),
        "key": "".join(_key(scene)),
        "told": escape(_told(scene)),
        "compared": "".join(_compared(plan)),
        "operators": "".join(_operators(scene)),
        "flash": "".join(_flash(plan)),
        "settings": "".join(
            f"<dt>{escape(k)}</dt><dd>{escape(printable(v))}</dd>" for k, v in _settings(plan)
        ),
        "steps": _steps(scene),
        "script": _read("rows.js"),
    }
    return re.sub(r"\{\{(\w+)\}\}", lambda match: parts[match[1]], _read("rows.html"))


def _figures(plan: RowPlan) -> Iterator[str]:
    whole = plan.whole
    yield _figure(
        "arena", f"{plan.arena:,}", "bytes, with the input" if not plan.by_rows else "bytes", main=True
    )
    yield _figure("peak", f"{plan.peak:,}", "bytes")
    yield _figure("lower bound", f"{plan.lower_bound:,}", "bytes, of all row-wise orders")
    if whole is not None:
        yield _figure("whole tensors, best order", f"{whole.peak:,}", "bytes")
        if whole.tflm is not None:
            yield _figure("TFLM as it is", f"{whole.tflm:,}", "bytes, all of its arena")
    if plan.flash:
        yield _figure("constants in flash", f"{sum(plan.flash.values()):,}", "bytes")


def _figure(label: str, number: str, small: str, *, main: bool = False) -> str:
    kind = ' class="main"' if main else ""
    label, small = escape(label), escape(small)
    return f'<li{kind}><span class="label">{label}</span><strong>{number}</strong><small>{small}</small></li>'


def _key(scene: RowScene) -> Iterator[str]:
    shades = ", ".join(ramp(9))
    swept = f"background:linear-gradient(90deg, {shades})"
    yield f'<span><i class="ramp" style="{swept}"></i>first to last layer</span>'
    yield f'<span><i style="background:{FED}"></i>input</span>'
    if any(band.tensor < 0 for band in scene.bands):
        yield '<span><i class="sums"></i>sums of a pool, a mean or a dense layer</span>'


def _told(scene: RowScene) -> str:
    return (
        f"The peak is first reached at step {scene.peak_moment:,}, when "
        f"{max(scene.live, default=0):,} bytes are in use"
    )


def _compared(plan: RowPlan) -> Iterator[str]:
    whole = plan.whole
    lines = [("row by row, arena", plan.arena)]
    if whole is not None:
        lines = [
            *([("TFLM as it is, all of its arena", whole.tflm)] if whole.tflm is not None else []),
            ("whole tensors, order of the file", whole.given_peak),
            ("whole tensors, best order", whole.peak),
            *lines,
        ]
    if words := saved_words(plan):
        yield f"<p>The arena is {escape(words)}.</p>"
    most = max(size for _, size in lines) or 1
    yield '<div class="bars">'
    for label, size in lines:
        main = ' class="main"' if size is lines[-1][1] else ""
        bar = f'<i style="width:{80 * size / most:.1f}%"></i>{size:,}'
        yield f"<b{main}>{escape(label)}</b><div{main}>{bar}</div>"
    yield "</div>"


def _operators(scene: RowScene) -> Iterator[str]:
    yield _row(
        "th",
        ("operator", "makes", "how", *map(str, ("steps", "first", "last", "row", "at once", "whole"))),
        3,
    )
    yield "<tbody>"
    first: dict[int, int] = {}
    last: dict[int, int] = {}
    ran: dict[int, int] = {}
    for at, (operator, _) in enumerate(scene.plan.steps):
        first.setdefault(operator, at)
        last[operator] = at
        ran[operator] = ran.get(operator, 0) + 1
    for k in sorted(first, key=first.__getitem__):
        operator = scene.plan.operators[k]
        made = [scene.plan.tensor(t) for t in operator.makes]
        swatch = f'<i class="swatch" style="background:{colour(scene, k)}"></i>'
        cells = [
            swatch + escape(title_of(scene, k)),
            f'<span class="name">{escape(printable(", ".join(one.name for one in made)))}</span>',
            escape(ROLES[operator.role] + _folded(operator.folded)),
            *(f"{number:,}" for number in (ran[k], first[k], last[k], sum(one.size for one in made))),
            f"{scene.most.get(k, 0):,}",
            f"{sum(one.rows * one.size for one in made):,}",
        ]
        yield _row("td", cells, 3)
    yield "</tbody>"


def _folded(numbers: Iterable[int]) -> str:
    listed = ", ".join(map(str, numbers))
    return f"; does the work of operator {listed}" if listed else ""


def _row(tag: str, cells: Iterable[str], words: int) -> str:
    """Return a row of a table; cells behind the first so many are numbers."""
    kinds = ("" if k < words else ' class="number"' for k in range(100))
    return (
        "<tr>"
        + "".join(f"<{tag}{kind}>{cell}</{tag}>" for cell, kind in zip(cells, kinds, strict=False))
        + "</tr>"
    )


def _flash(plan: RowPlan) -> Iterator[str]:
    yield _row("th", ("what", "bytes"), 1)
    for what, size in sorted(plan.flash.items(), key=lambda pair: -pair[1]):
        yield _row("td", (escape(printable(what)), f"{size:,}"), 1)
    total = _row("td", ("all", f"{sum(plan.flash.values()):,}"), 1)
    yield total.replace("<tr>", '<tr class="total">', 1)


def _settings(plan: RowPlan) -> Iterator[tuple[str, str]]:
    yield "network", plan.source.name
    yield "sha256", plan.source.original_sha256 or "none: the network was given in memory"
    yield "row steps", f"{len(plan.steps):,} of {len(plan.operators):,} operators"
    yield "input", "by rows, from the caller" if plan.by_rows else "whole, in the arena"
    yield "rows aligned to", human(plan.rounded_to)
    yield "arena aligned to", human(plan.alignment)
    yield "order begun by", plan.drive
    if plan.cuts:
        yield "cut behind operators", ", ".join(map(str, plan.cuts))
    yield "search", f"{plan.seconds:.3f} s, status {plan.status}"
    yield "versions", f"hmcos {__version__}, Python {platform.python_version()}"


def _steps(scene: RowScene) -> str:
    titles = [title_of(scene, k) for k in range(len(scene.plan.operators))]
    data = {"titles": titles, "steps": scene.plan.steps, "live": scene.live}
    # No name can end the script around it.
    return json.dumps(data, separators=(",", ":")).replace("<", "\\u003c")


def _read(name: str) -> str:
    return (_FOLDER / name).read_text(encoding="utf-8")
