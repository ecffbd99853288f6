"""Graphs that trouble the published system; its successors take them all."""

from __future__ import annotations

from dataclasses import replace

from hmcos.memory.problem import Problem
from networks import problem_of, three_branches, two_cells

CORNERS: dict[str, Problem] = {
    "no operators": problem_of([], [5]),
    "no buffers": problem_of([], [], inputs=0),
    "one operator": problem_of([[0]], [3, 4], kept=[1]),
    "operator without inputs": problem_of([[], [0]], [3, 4], inputs=0, kept=[1]),
    "several inputs and outputs": problem_of([[0], [1], [2, 3], [4], [4]], [1] * 7, inputs=2, kept=[5, 6]),
    "input live at the peak": problem_of([[0], [0], [1, 2], [3, 0]], [50, 9, 1, 1, 1], kept=[4]),
    "input that nobody reads": problem_of([[1]], [7, 1, 1], inputs=2, kept=[2]),
    "input that is an output": problem_of([[0], [1]], [5, 6, 1], kept=[0, 2]),
    "operator that nobody reads": problem_of([[0], [0], [1]], [4, 3, 9, 1], kept=[3]),
    "output with inner readers": replace(two_cells(), kept=(4, 8)),
    "no cells": problem_of([[0], [1], [1]], [1, 9, 1, 2], kept=[2, 3]),
    "two components": problem_of([[0], [1], [2], [3]], [1, 2, 5, 5, 1, 1], inputs=2),
    "zero-size buffers": problem_of([[0], [0], [1, 2], [3]], [0, 0, 0, 0, 0]),
    "two cells": two_cells(),
    "three branches": three_branches(),
}
