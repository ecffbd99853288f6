"""Blocks of operators, and what running one costs from a state.

All bytes are relative to the stable memory before the block. They depend on the state only through which
buffers die in the block, so that each block is measured once per set of these.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from hmcos.hierarchy.tree import Tree
from hmcos.memory.problem import Problem


@dataclass(frozen=True, slots=True)
class BlockRun:
    """A block run in one order."""

    order: tuple[int, ...]
    need: int
    """Bytes that it needs over the stable memory before."""
    delta: int
    """Bytes of stable memory that it adds, negative when it frees more than it leaves."""


def measure(problem: Problem, order: Sequence[int], mortal: Collection[int]) -> BlockRun:
    """Return what an order of some operators costs when just the mortal buffers die with their last reader.

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
    """Operators that are scheduled as one."""

    order: tuple[int, ...]
    """An executable order of them, the first one tried."""
    parts: tuple[tuple[int, ...], ...] = ()
    """The sequences that may be put in another order; empty when there is no other."""


class Scope:
    """Blocks of a problem that are scheduled together; a state is the bit set of those that have run."""

    def __init__(self, problem: Problem, blocks: Sequence[Block], mortal: frozenset[int]) -> None:
        """Take blocks that ascend in an executable order.

        The mortal buffers are those that die once all their readers in these blocks have run.
        """
        self.problem = problem
        self.mortal = mortal
        self.blocks = tuple(blocks)
        self.full = (1 << len(blocks)) - 1
        self._link()
        self._watch()
        self._measured: list[dict[int, BlockRun]] = [{} for _ in blocks]

    def _link(self) -> None:
        """Set who follows whom, and whose cost may change when a block has run."""
        problem, blocks = self.problem, self.blocks
        block_of = {op: i for i, block in enumerate(blocks) for op in block.order}
        self.before = [0] * len(blocks)
        """Per block: bit set of the blocks that it directly follows."""
        self.after: list[list[int]] = [[] for _ in blocks]
        """Per block: the blocks that directly follow it, ascending."""
        self.readers: dict[int, int] = {}
        """Per mortal buffer that is read here: bit set of its readers."""
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
        """Set per block which buffers surely die in it, and which do when all other readers have run."""
        problem, readers = self.problem, self.readers
        self.sure: list[frozenset[int]] = []
        self.watched: list[tuple[tuple[int, int], ...]] = []
        """Per block: buffers that may die in it, each with the bit set of its other readers."""
        self.kin = [0] * len(self.blocks)
        """Per block: bit set of the blocks whose cost may change when it has run."""
        for i, block in enumerate(self.blocks):
            read = dict.fromkeys(b for op in block.order for b in problem.reads[op] if b in readers)
            made = {b for op in block.order for b in problem.makes[op]}
            self.sure.append(frozenset(b for b in read if readers[b] == 1 << i))
            self.watched.append(
                tuple((b, readers[b] & ~(1 << i)) for b in read if readers[b] != 1 << i and b not in made)
            )
            for _, others in self.watched[i]:
                self.kin[i] |= others

    def _dying(self, block: int, done: int) -> int:
        """Return, as a bit set, which of its watched buffers die in the block when run from this state."""
        key = 0
        for j, (_, others) in enumerate(self.watched[block]):
            if not others & ~done:
                key |= 1 << j
        return key

    def dying_in(self, block: int, done: int) -> frozenset[int]:
        """Return the buffers that die in a block when it runs from this state."""
        watched = self.watched[block]
        return self.sure[block].union(b for b, others in watched if not others & ~done)

    def run(self, block: int, done: int) -> BlockRun:
        """Return what the first order of a block costs from this state."""
        dying = self._dying(block, done)
        found = self._measured[block].get(dying)
        if found is None:
            found = measure(self.problem, self.blocks[block].order, self.dying_in(block, done))
            self._measured[block][dying] = found
        return found


def top_scope(tree: Tree, order: Sequence[int]) -> Scope:
    """Return the top level of a hierarchy; its cells are first tried as `order` has their operators."""
    problem, operators = tree.problem, tree.sequences.operators
    position = {op: step for step, op in enumerate(order)}
    blocks: list[Block] = []
    for members in tree.blocks:
        parts = tuple(operators[s] for s in members)
        first = sorted((op for part in parts for op in part), key=position.__getitem__)
        blocks.append(Block(tuple(first), parts if len(parts) > 1 else ()))
    return Scope(problem, blocks, frozenset(range(len(problem.sizes))) - problem.held)


def cell_scope(problem: Problem, cell: Block, dying: frozenset[int]) -> Scope:
    """Return the sequences of a cell, in which these buffers die."""
    return Scope(problem, [Block(part) for part in cell.parts], dying)
