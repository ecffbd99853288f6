"""A plan as notebooks show it: a small table, and a plot of memory over the steps as inline SVG."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from itertools import pairwise

from hmcos.plan.plan import Plan
from hmcos.words import human, printable, short, shortened

_WIDE, _HIGH, _LEFT, _TOP = 640, 160, 8, 18
"""Pixels: the picture, and the margins for labels beside and above the curve."""
_POINTS = 500
"""Most points of the curve; with more steps, each point is the highest of several."""
_NAMED = 80
_RESULT, _GIVEN, _BOUND = "#1b6fb5", "#8a97a3", "#d1431b"


def plan_html(plan: Plan) -> str:
    """Return a plan as HTML without style sheets or scripts; names are escaped."""
    name = escape(shortened(printable(plan.source.name), _NAMED))
    target = escape(shortened(printable(plan.target.name), _NAMED))
    rows = "".join(
        f'<tr><td style="text-align:left">{words}</td><td style="text-align:right">{human(size)}</td></tr>'
        for words, size in _rows(plan)
    )
    told = f"{name}, target {target}: {len(plan.order):,} operators, {plan.status}"
    return f'<div><p>{told}</p><table style="text-align:left">{rows}</table>{_picture(plan)}</div>'


def _rows(plan: Plan) -> Iterator[tuple[str, int]]:
    yield "file order", plan.given_peak
    yield "reverse post-order", plan.rpo_peak
    yield f"<b>{escape(plan.schedule.title)}</b>", plan.peak
    yield "no order needs less than", plan.lower_bound
    if plan.arena is not None:
        yield f"arena, {plan.arena.status}", plan.arena.size
    if plan.memories is not None and plan.memories.has_places:
        placement = plan.memories.placement
        for block, size in zip(placement.blocks, placement.sizes, strict=True):
            yield f"in {escape(printable(block.name))}", size


def _picture(plan: Plan) -> str:
    top = max(plan.peak, plan.given_peak, 1)
    levels = (
        (plan.given_peak, _GIVEN, "6 4", f"file order: peak {short(plan.given_peak)}"),
        (plan.lower_bound, _BOUND, "2 3", f"lower bound {short(plan.lower_bound)}"),
    )
    lines = "".join(
        f'<path d="M{_LEFT},{_y(size, top)}H{_WIDE - _LEFT}" stroke="{colour}" stroke-dasharray="{dashes}"/>'
        for size, colour, dashes, _ in levels
    )
    told = [(_RESULT, f"this order: peak {short(plan.peak)}"), *((c, words) for _, c, _, words in levels)]
    legend = "".join(
        f'<text x="{_LEFT + place * _WIDE // 3}" y="12" fill="{colour}">{words}</text>'
        for place, (colour, words) in enumerate(told)
    )
    curve = f'<path d="{_curve(plan.memory.running, top)}" fill="{_RESULT}" fill-opacity="0.2"'
    return (
        f'<svg viewBox="0 0 {_WIDE} {_HIGH}" width="{_WIDE}" style="max-width:100%" font-size="12" '
        f'font-family="sans-serif" role="img" aria-label="Memory in use at every step">'
        f'{curve} stroke="{_RESULT}"/>{lines}{legend}</svg>'
    )


def _curve(running: Sequence[int], top: int) -> str:
    """Return the SVG path of memory in use, step by step, closed along the zero line."""
    places = min(len(running), _POINTS)
    edges = [i * len(running) // places for i in range(places + 1)] if places else [0]
    words = [f"M{_LEFT},{_y(0, top)}"]
    for place, (begin, end) in enumerate(pairwise(edges), 1):
        right = _LEFT + (_WIDE - 2 * _LEFT) * place / places
        words.append(f"V{_y(max(running[begin:end]), top)}H{right:.1f}")
    return "".join([*words, f"V{_y(0, top)}Z"])


def _y(size: int, top: int) -> str:
    """Return the vertical position of a size, in pixels from the top."""
    return f"{_HIGH - 2 - (_HIGH - 2 - _TOP) * size / top:.1f}"
