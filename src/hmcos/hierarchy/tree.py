"""The hierarchy: a problem consists of blocks, these of sequences, and these of operators."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property

from hmcos.hierarchy.cells import Cell, find_cells
from hmcos.hierarchy.sequences import Sequences, join_sequences, single_sequences
from hmcos.memory.problem import Problem


@dataclass(frozen=True)
class Tree:
    """A problem as a tree. Its top level holds blocks: each is a cell, or a sequence that is in no cell."""

    sequences: Sequences
    cells: tuple[Cell, ...]
    """Disjoint."""

    @property
    def problem(self) -> Problem:
        """The problem at the root."""
        return self.sequences.problem

    @cached_property
    def cell_of(self) -> tuple[int | None, ...]:
        """Per sequence: the cell that holds it, None if it is on the top level itself."""
        cell_of: list[int | None] = [None] * len(self.sequences)
        for c, cell in enumerate(self.cells):
            for s in cell.sequences:
                cell_of[s] = c
        return tuple(cell_of)

    @cached_property
    def blocks(self) -> tuple[tuple[int, ...], ...]:
        """The top level: per block its sequences, ascending; blocks ascend by their first sequence."""
        alone = [(s,) for s, cell in enumerate(self.cell_of) if cell is None]
        return tuple(sorted([*alone, *(cell.sequences for cell in self.cells)]))

    @cached_property
    def block_of(self) -> tuple[int, ...]:
        """Per sequence: the block that holds it."""
        block_of = [0] * len(self.sequences)
        for block, members in enumerate(self.blocks):
            for s in members:
                block_of[s] = block
        return tuple(block_of)

    @cached_property
    def predecessors(self) -> tuple[tuple[int, ...], ...]:
        """Per block: the blocks that it directly follows, ascending."""
        before, block_of = self.sequences.predecessors, self.block_of
        return tuple(
            tuple(sorted({block_of[p] for s in members for p in before[s]} - {block}))
            for block, members in enumerate(self.blocks)
        )

    @cached_property
    def successors(self) -> tuple[tuple[int, ...], ...]:
        """Per block: the blocks that directly follow it, ascending."""
        after: list[list[int]] = [[] for _ in self.blocks]
        for block, before in enumerate(self.predecessors):
            for p in before:
                after[p].append(block)
        return tuple(map(tuple, after))


def grow_tree(problem: Problem, ends: Collection[int] | None = None, *, joined: bool = True) -> Tree:
    """Return the hierarchy of a problem (HMCOS, DAC 2022).

    With `ends`, only these operators may end a cell; by default, all that have several predecessors. With
    `joined` off, every operator is a sequence of its own.
    """
    sequences = join_sequences(problem) if joined else single_sequences(problem)
    return Tree(sequences, find_cells(sequences, ends))
