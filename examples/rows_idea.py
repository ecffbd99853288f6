"""Draw what running row by row means: the memory of three convolutions, whole and in rows, as SVG.

python examples/rows_idea.py docs/rows-idea.svg

Needs what examples/compile_rows.py needs, but no compiler.
"""

from __future__ import annotations

import sys
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

from compile_rows import Network

import hmcos
from hmcos.plan.row_lives import row_lives
from hmcos.plan.row_plan import RowPlan

WIDTH, HEIGHT, LEFT, TOP, BOTTOM, GAP = 880, 345, 62, 46, 58, 70
COLOURS = ("#c9d1d9", "#2f7fc1", "#63b46a", "#df6237")
NAMES = ("input", "first", "second", "output")
SIDE = 12
Box = tuple[int, int, int, int, int]
"""Tensor, birth, death, offset, size."""


def three_convolutions() -> bytes:
    """Return a network of three convolutions of 3 x 3, the last with a stride of 2."""
    network = Network()
    fed = network.tensor([1, SIDE, SIDE, 2], 1 / 255, -128)
    made = fed
    for channels, stride in ((6, 1), (5, 1), (3, 2)):
        made = network.convolution(made, channels, stride, kernel=3)
    network.graph.inputs, network.graph.outputs = [fed], [made]
    return network.file()


def whole_boxes(sizes: list[int]) -> list[Box]:
    """Return tensors that are whole: each from the step that makes it to its reader, at the ends in turn."""
    top = max(a + b for a, b in pairwise(sizes))
    last = len(sizes) - 2
    boxes: list[Box] = []
    for tensor, size in enumerate(sizes):
        offset = top - size if tensor % 2 == 0 else 0
        boxes.append((tensor, max(0, tensor - 1), min(tensor, last) + 1, offset, size))
    return boxes


def row_boxes(plan: RowPlan) -> list[Box]:
    """Return the rows of a plan."""
    names = {t: k for k, t in enumerate([*plan.inputs, *(op.makes[0] for op in plan.operators)])}
    return [(names[one.tensor], one.birth, one.death, one.offset, one.size) for one in row_lives(plan)]


def panel(boxes: list[Box], place: tuple[float, float], highest: int, title: str, steps: str) -> list[str]:
    """Return one map of memory: steps from left to right, addresses from bottom to top."""
    left, wide = place
    high, end = HEIGHT - TOP - BOTTOM, max(box[2] for box in boxes)
    peak = max(offset + size for _, _, _, offset, size in boxes)
    y = TOP + high * (1 - peak / highest)
    lines = [
        f'<text x="{left}" y="{TOP - 22}" font-size="15" font-weight="bold" fill="#22303c">{title}</text>'
    ]
    for tensor, birth, death, offset, size in boxes:
        x, low = left + wide * birth / end, TOP + high * (1 - (offset + size) / highest)
        lines.append(
            f'<rect x="{x:.1f}" y="{low:.1f}" width="{wide * (death - birth) / end:.1f}" '
            f'height="{high * size / highest:.1f}" fill="{COLOURS[tensor]}" stroke="white"/>'
        )
    bottom = HEIGHT - BOTTOM
    return [
        *lines,
        f'<line x1="{left}" x2="{left + wide}" y1="{bottom}" y2="{bottom}" stroke="#8a97a3"/>',
        f'<line x1="{left}" x2="{left + wide}" y1="{y:.1f}" y2="{y:.1f}" stroke="#d1431b" '
        'stroke-dasharray="5 4"/>',
        f'<text x="{left - 6}" y="{y + 4:.1f}" text-anchor="end" fill="#d1431b">{peak:,} B</text>',
        f'<text x="{left + wide}" y="{bottom + 18}" text-anchor="end" fill="#22303c">{steps}</text>',
    ]


def picture(plan: RowPlan, sizes: list[int]) -> str:
    """Return both maps beside each other, to one scale."""
    whole, rows = whole_boxes(sizes), row_boxes(plan)
    highest = max(offset + size for _, _, _, offset, size in whole)
    wide = (WIDTH - 2 * LEFT - GAP) / 2
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
        'font-family="sans-serif" font-size="13">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
        *panel(whole, (LEFT, wide), highest, "whole tensors", "3 steps: one per operator"),
        *panel(
            rows,
            (2 * LEFT + GAP / 2 + wide, wide),
            highest,
            "row by row",
            f"{len(plan.steps)} steps: one per row",
        ),
    ]
    for k, (name, colour) in enumerate(zip(NAMES, COLOURS, strict=True)):
        x = LEFT + 78 * k
        lines.append(f'<rect x="{x}" y="{HEIGHT - 19}" width="13" height="11" fill="{colour}"/>')
        lines.append(f'<text x="{x + 18}" y="{HEIGHT - 9}" fill="#22303c">{name}</text>')
    return "\n".join([*lines, "</svg>"]) + "\n"


def main(place: str) -> None:
    with TemporaryDirectory() as folder:
        model = Path(folder) / "three.tflite"
        model.write_bytes(three_convolutions())
        plan = hmcos.compile_c(model, compares=False).plan
    made = [*plan.inputs, *(op.makes[0] for op in plan.operators)]
    sizes = [plan.tensor(t).rows * plan.tensor(t).size for t in made]
    Path(place).write_text(picture(plan, sizes), encoding="utf-8")
    print(f"{place}: {plan.arena:,} bytes row by row, {plan.status}")


if __name__ == "__main__":
    main(*(sys.argv[1:] or ["rows-idea.svg"]))
