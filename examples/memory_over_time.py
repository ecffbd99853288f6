"""Draw the memory of a network: in file order and in the best order, or before and after tiling, as SVG.

python examples/memory_over_time.py zoo:nasnet-cifar docs/memory-over-time.svg
python examples/memory_over_time.py zoo:mobilenet-v2 docs/tiling.svg --tile
"""

from __future__ import annotations

import sys
from pathlib import Path

import hmcos
from hmcos.plan.plan import Plan

WIDTH, HEIGHT, LEFT, BOTTOM, TOP = 760, 300, 70, 40, 30
COLOURS = {"given": "#c0392b", "optimal": "#1f6fb2", "before": "#c0392b", "after": "#1f6fb2"}
WORDS = {"given": "order of the file", "optimal": "best order", "before": "best order", "after": "tiled"}


def title(name: str, plan: Plan) -> str:
    proved = ", proved" if plan.peak == plan.lower_bound else ""
    count = f", {len(plan.operators)} operators" if name in ("before", "after") else ""
    return f"{WORDS[name]}{proved}{count}"


def curve(plan: Plan, highest: int) -> str:
    """Return the running memory of a plan as the points of an SVG line with steps."""
    points: list[str] = []
    steps = plan.memory.running
    for step, running in enumerate(steps):
        y = HEIGHT - BOTTOM - (HEIGHT - BOTTOM - TOP) * running / highest
        edges = (LEFT + (WIDTH - LEFT) * edge / len(steps) for edge in (step, step + 1))
        points += [f"{x:.1f},{y:.1f}" for x in edges]
    return " ".join(points)


def label(x: float, y: float, text: str, colour: str = "#333", anchor: str = "start") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" fill="{colour}" text-anchor="{anchor}">{text}</text>'


def picture(plans: dict[str, Plan]) -> str:
    """Return the curves of all plans over one another, each with its peak."""
    highest = max(plan.peak for plan in plans.values())
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH + 10} {HEIGHT}" '
        'font-family="sans-serif" font-size="13">',
        f'<rect width="{WIDTH + 10}" height="{HEIGHT}" fill="white"/>',
    ]
    for place, (name, plan) in enumerate(plans.items()):
        y = HEIGHT - BOTTOM - (HEIGHT - BOTTOM - TOP) * plan.peak / highest
        dashes = 'stroke-dasharray="5 4"'
        lines += [
            f'<line x1="{LEFT}" y1="{y:.1f}" x2="{WIDTH}" y2="{y:.1f}" stroke="{COLOURS[name]}" {dashes}/>',
            f'<polyline points="{curve(plan, highest)}" fill="none" stroke="{COLOURS[name]}"/>',
            label(LEFT - 6, y + 4, f"{plan.peak / 1e6:.2f} MB", COLOURS[name], "end"),
            label(LEFT + 10 + 250 * place, TOP - 12, title(name, plan), COLOURS[name]),
        ]
    lines += [
        f'<line x1="{LEFT}" y1="{HEIGHT - BOTTOM}" x2="{WIDTH}" y2="{HEIGHT - BOTTOM}" stroke="#333"/>',
        label(WIDTH, HEIGHT - 15, "operators, in the order in which they run", anchor="end"),
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def main(model: str, path: str, *options: str) -> None:
    if "--tile" in options:
        plans = {"before": hmcos.schedule(model), "after": hmcos.schedule(model, tile=hmcos.Tiling())}
    else:
        plans = {name: hmcos.schedule(model, target="hmcos", scheduler=name) for name in ("given", "optimal")}
    Path(path).write_text(picture(plans), encoding="utf-8")
    for name, plan in plans.items():
        print(f"{title(name, plan)}: {plan.peak:,} bytes")


if __name__ == "__main__":
    main(*(sys.argv[1:] or ["zoo:nasnet-cifar", "memory-over-time.svg"]))
