"""Graphs that trouble the published system; its successors take them all."""

from __future__ import annotations

from dataclasses import replace

from hmcos.memory.problem import Problem
from unit.hierarchy.networks import network, three_branches, two_cells

CORNERS: dict[str, Problem] = {
    "no operators": network([], [5]),
    "no buffers": network([], [], inputs=0),
    "one operator": network([[0]], [3, 4], kept=[1]),
    "operator without inputs": network([[], [0]], [3, 4], inputs=0, kept=[1]),
    "several inputs and outputs": network([[0], [1], [2, 3], [4], [4]], [1] * 7, inputs=2, kept=[5, 6]),
    "input live at the peak": network([[0], [0], [1, 2], [3, 0]], [50, 9, 1, 1, 1], kept=[4]),
    "input that nobody reads": network([[1]], [7, 1, 1], inputs=2, kept=[2]),
    "input that is an output": network([[0], [1]], [5, 6, 1], kept=[0, 2]),
    "operator that nobody reads": network([[0], [0], [1]], [4, 3, 9, 1], kept=[3]),
    "output with inner readers": replace(two_cells(), kept=(4, 8)),
    "no cells": network([[0], [1], [1]], [1, 9, 1, 2], kept=[2, 3]),
    "two components": network([[0], [1], [2], [3]], [1, 2, 5, 5, 1, 1], inputs=2),
    "zero-size buffers": network([[0], [0], [1, 2], [3]], [0, 0, 0, 0, 0]),
    "two cells": two_cells(),
    "three branches": three_branches(),
}
