"""Refinement: dissolving the cells that keep the peak from being lower."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection, Sequence
from dataclasses import replace

from hmcos.hierarchy.tree import Tree
from hmcos.memory.problem import Problem
from hmcos.memory.profile import profile


def crowded_buffers(problem: Problem, order: Sequence[int]) -> tuple[int, ...]:
    """Return the buffers that are live at any step at which an order reaches its peak, ascending."""
    along = profile(problem, order)
    peak = along.peak
    moments = [step for step, running in enumerate(along.running) if running == peak]
    born = [0] * len(problem.sizes)
    last = [len(order) - 1 if b in problem.held else -1 for b in range(len(problem.sizes))]
    for step, op in enumerate(order):
        for b in problem.makes[op]:
            born[b] = step
            last[b] = max(last[b], step)
        for b in problem.reads[op]:
            last[b] = max(last[b], step)
    crowded = {b for b in problem.inputs if along.start == peak}
    for b in range(len(problem.sizes)):
        first = bisect_left(moments, born[b])
        if first < len(moments) and moments[first] <= last[b]:
            crowded.add(b)
    return tuple(sorted(crowded))


def crowded_cells(tree: Tree, order: Sequence[int]) -> frozenset[int]:
    """Return the cells that make a buffer live at the peak of an order, and the cells directly after these.

    An input of the problem that is live at the peak has no producer; for it, the cells that read it count.
    """
    problem, owner, block_of = tree.problem, tree.sequences.owner, tree.block_of
    blocks: set[int] = set()
    for b in crowded_buffers(problem, order):
        maker = problem.producer[b]
        if maker >= 0:
            blocks.add(block_of[owner[maker]])
            blocks.update(tree.successors[block_of[owner[maker]]])
        else:
            blocks.update(block_of[owner[r]] for r in problem.readers[b])
    cells = (tree.cell_of[tree.blocks[block][0]] for block in blocks)
    return frozenset(cell for cell in cells if cell is not None)


def dissolve(tree: Tree, cells: Collection[int]) -> Tree:
    """Return the tree without these cells; their sequences move to its top level."""
    return replace(tree, cells=tuple(cell for c, cell in enumerate(tree.cells) if c not in cells))
