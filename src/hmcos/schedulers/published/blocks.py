"""Blocks of operators, and what it costs to run one from a state.

All bytes are relative to the stable memory before the block. They depend on the state only by which buffers
die in the block, so each block is measured once per set of dying buffers.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from hmcos.hierarchy.tree import Tree
from hmcos.memory.problem import Problem


@dataclass(frozen=True, slots=True)
class BlockRun:
    """The cost of running a block in one order."""

    order: tuple[int, ...]
    need: int
    """Bytes that it needs beyond the stable memory before it."""
    delta: int
    """Bytes that it adds to the stable memory; negative if it frees more than it leaves."""


def measure(problem: Problem, order: Sequence[int], mortal: Collection[int]) -> BlockRun:
    """Return the cost of some operators in an order, if only the `mortal` buffers die with their last reader.

    A buffer that nobody reads dies in any case, unless it is held.
    """
    sizes, held = problem.sizes, problem.held
    unread: dict[int, int] = {}
    for op in order:
        for b in problem.reads[op]:
            unread[b] = unread.get(b, 0) + 1
    live = need = 0
    for op in order:
        dying: list[int] = []
        for b in problem.reads[op]:
            unread[b] -= 1
            if not unread[b] and b in mortal:
                dying.append(b)
        out = problem.outputs[op]
        in_place = any(b in problem.overwritable[op] for b in dying)
        need = max(need, live + problem.scratch[op] + (0 if in_place else out))
        lost = sum(sizes[b] for b in problem.makes[op] if not problem.readers[b] and b not in held)
        live += out - lost - sum(sizes[b] for b in dying)
    return BlockRun(tuple(order), need, live)


@dataclass(frozen=True, slots=True)
class Block:
    """Operators that are scheduled as one: a cell or a sequence."""

    order: tuple[int, ...]
    """An executable order of them, which is tried first."""
    parts: tuple[tuple[int, ...], ...] = ()
    """The sequences that may run in another order; empty if there is only one order."""


class Scope:
    """Blocks that are scheduled together. A state is the bit set of the blocks that have run."""

    def __init__(self, problem: Problem, blocks: Sequence[Block], mortal: frozenset[int]) -> None:
        """Prepare blocks that are numbered in an executable order.

        The `mortal` buffers are those that die once all their readers in these blocks have run.
        """
        self.problem = problem
        self.mortal = mortal
        self.blocks = tuple(blocks)
        self.full = (1 << len(blocks)) - 1
        self._link()
        self._watch()
        self._measured: list[dict[int, BlockRun]] = [{} for _ in blocks]

    def _link(self) -> None:
        """Set which blocks follow which, and which blocks read each mortal buffer."""
        problem, blocks = self.problem, self.blocks
        block_of = {op: i for i, block in enumerate(blocks) for op in block.order}
        self.before = [0] * len(blocks)
        """Per block: the blocks that it directly follows, as a bit set."""
        self.after: list[list[int]] = [[] for _ in blocks]
        """Per block: the blocks that directly follow it, ascending."""
        self.readers: dict[int, int] = {}
        """Per mortal buffer that these blocks read: its readers, as a bit set."""
        for i, block in enumerate(blocks):
            inside = {problem.producer[b] for op in block.order for b in problem.reads[op]}
            for p in sorted({block_of[op] for op in inside if op in block_of} - {i}):
                self.before[i] |= 1 << p
                self.after[p].append(i)
            for op in block.order:
                for b in problem.reads[op]:
                    if b in self.mortal:
                        self.readers[b] = self.readers.get(b, 0) | 1 << i

    def _watch(self) -> None:
        """Set, per block, which buffers always die in it, and which do if all other readers have run."""
        problem, readers = self.problem, self.readers
        self.always_dying: list[frozenset[int]] = []
        """Per block: buffers that only it reads."""
        self.watched: list[tuple[tuple[int, int], ...]] = []
        """Per block: buffers that may die in it, each with its other readers as a bit set."""
        self.affected = [0] * len(self.blocks)
        """Per block: the blocks whose cost may change once it has run, as a bit set."""
        for i, block in enumerate(self.blocks):
            read = dict.fromkeys(b for op in block.order for b in problem.reads[op] if b in readers)
            made = {b for op in block.order for b in problem.makes[op]}
            self.always_dying.append(frozenset(b for b in read if readers[b] == 1 << i))
            self.watched.append(
                tuple((b, readers[b] & ~(1 << i)) for b in read if readers[b] != 1 << i and b not in made)
            )
            for _, others in self.watched[i]:
                self.affected[i] |= others

    def _dying(self, block: int, done: int) -> int:
        """Return which of a block's watched buffers die in it if it runs from a state, as a bit set."""
        key = 0
        for j, (_, others) in enumerate(self.watched[block]):
            if not others & ~done:
                key |= 1 << j
        return key

    def dying_in(self, block: int, done: int) -> frozenset[int]:
        """Return the buffers that die in a block if it runs from a state."""
        watched = self.watched[block]
        return self.always_dying[block].union(b for b, others in watched if not others & ~done)

    def run(self, block: int, done: int) -> BlockRun:
        """Return the cost of the first order of a block from a state."""
        dying = self._dying(block, done)
        known = self._measured[block].get(dying)
        if known is None:
            known = measure(self.problem, self.blocks[block].order, self.dying_in(block, done))
            self._measured[block][dying] = known
        return known


def top_scope(tree: Tree, order: Sequence[int]) -> Scope:
    """Return the top level of a hierarchy; cells are first tried with their operators as in `order`."""
    problem, operators = tree.problem, tree.sequences.operators
    position = {op: step for step, op in enumerate(order)}
    blocks: list[Block] = []
    for members in tree.blocks:
        parts = tuple(operators[s] for s in members)
        first = sorted((op for part in parts for op in part), key=position.__getitem__)
        blocks.append(Block(tuple(first), parts if len(parts) > 1 else ()))
    return Scope(problem, blocks, frozenset(range(len(problem.sizes))) - problem.held)


def cell_scope(problem: Problem, cell: Block, dying: frozenset[int]) -> Scope:
    """Return the sequences of a cell as blocks, if the `dying` buffers die in the cell."""
    return Scope(problem, [Block(part) for part in cell.parts], dying)
