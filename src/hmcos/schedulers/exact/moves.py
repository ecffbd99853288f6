"""The moves of the exact search and their costs, forward and backward.

The forward direction starts from the beginning of all orders, and each move runs a sequence. The backward
direction starts from the end, and each move takes a sequence back. In both directions `left` is the set of
sequences whose move is still to come.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from copy import copy

from hmcos.memory.problem import Problem

Cost = tuple[int, int]
"""Bytes beyond the stable memory before a move: needed during it, and left after it."""


class Moves:
    """The moves of one direction over a problem whose operators are joined into sequences.

    Everything is in flat lists indexed by the number of a sequence, for the inner loop of the search. Sets of
    sequences are bit sets.
    """

    def __init__(self, problem: Problem, sequences: Sequence[Sequence[int]], *, backward: bool) -> None:
        self.problem = problem
        self.sequences = sequences
        self.node = [0] * problem.operators
        for c, steps in enumerate(sequences):
            for op in steps:
                self.node[op] = c
        n = len(sequences)
        self.bits = [1 << c for c in range(n)]
        self.full = (1 << n) - 1
        self.before = [0] * n
        """Per sequence: its predecessors, whatever the direction."""
        self._successors: list[list[int]] = []
        """Per sequence: its successors, ascending."""
        self._order_sequences()
        self.read_by = [
            self.bits[self.node[readers[0]]] if len(readers) == 1 else self._mask(readers)
            for readers in problem.readers
        ]
        """Per buffer: the sequences that read it."""
        self.made_in = [0 if op < 0 else self.bits[self.node[op]] for op in problem.producer]
        """Per buffer: the sequence that makes it, the empty set for an input."""
        self.lasting: list[list[tuple[int, int]]] = [[] for _ in range(n)]
        """Per sequence: size and readers of each buffer that it makes for others; no readers if held."""
        self.incoming: list[list[tuple[int, int, int]]] = [[] for _ in range(n)]
        """Per sequence: size, readers and maker of each buffer that it reads from others and is not held."""
        self.watched: list[list[tuple[int, int]]] = [[] for _ in range(n)]
        """Per sequence: the other readers of each buffer that may die in it, and its bit in a key."""
        self._dying: list[tuple[list[int], list[int]]] = []
        """Per sequence: the buffers that always die in it, and the watched ones in order of their bits."""
        self._watch()
        self._turn(backward=backward)

    def _turn(self, *, backward: bool) -> None:
        """Set all that depends on the direction."""
        n = len(self.bits)
        self.backward = backward
        self.gates = self._after() if backward else self.before
        """Per sequence: those whose moves must come before its own."""
        self.followers = [members(before) for before in self.before] if backward else self._successors
        """Per sequence: those that may become ready by its move, ascending."""
        self.costs: list[dict[int, Cost]] = [{} for _ in range(n)]
        """Per sequence: its cost by key, the set of watched buffers that die in it."""
        self.fixed: list[Cost | None] = [None] * n
        """Per sequence: its cost once that is known, if it is the same in every state."""
        problem = self.problem
        self.start = sum(problem.sizes[b] for b in (problem.held if backward else problem.inputs))
        """Stable memory in bytes where this direction starts."""

    def reversed(self) -> Moves:
        """Return the moves of the other direction, which share all that does not depend on it."""
        other = copy(self)
        other._turn(backward=not self.backward)
        return other

    def _mask(self, operators: Sequence[int]) -> int:
        mask = 0
        for op in operators:
            mask |= 1 << self.node[op]
        return mask

    def _order_sequences(self) -> None:
        """Set which sequence precedes which: others feed only its first operator and read only its last."""
        problem, node, bits = self.problem, self.node, self.bits
        for c, steps in enumerate(self.sequences):
            successors = sorted({node[other] for other in problem.successors[steps[-1]]})
            self._successors.append(successors)
            for other in successors:
                self.before[other] |= bits[c]

    def _after(self) -> list[int]:
        """Return the successors of each sequence as a bit set."""
        bits, after = self.bits, [0] * len(self.bits)
        for c, successors in enumerate(self._successors):
            for other in successors:
                after[c] |= bits[other]
        return after

    def _watch(self) -> None:
        held, sizes, read_by, made_in = self.problem.held, self.problem.sizes, self.read_by, self.made_in
        for c, steps in enumerate(self.sequences):
            bit = self.bits[c]
            always: list[int] = []
            shared: list[int] = []
            for b in self._reads(steps):
                if not sizes[b] or made_in[b] == bit or b in held:
                    continue
                rest = read_by[b] ^ bit
                if rest:
                    self.watched[c].append((rest, 1 << len(shared)))
                    shared.append(b)
                else:
                    always.append(b)
            self._dying.append((always, shared))
            self.incoming[c] = [(sizes[b], read_by[b], made_in[b]) for b in always + shared]
            for op in steps:
                for b in self.problem.makes[op]:
                    if sizes[b] and (read_by[b] & ~bit or b in held):
                        self.lasting[c].append((sizes[b], 0 if b in held else read_by[b]))

    def _reads(self, steps: Sequence[int]) -> Iterable[int]:
        """Return the buffers that a sequence reads, each once."""
        reads = self.problem.reads
        return reads[steps[0]] if len(steps) == 1 else dict.fromkeys(b for op in steps for b in reads[op])

    def cost(self, c: int, left: int) -> Cost:
        """Return the cost of a sequence's move in the state in which the moves `left` are still to come."""
        key = 0
        if self.backward:
            for rest, bit in self.watched[c]:
                if rest & left == rest:
                    key |= bit
        else:
            for rest, bit in self.watched[c]:
                if not rest & left:
                    key |= bit
        known = self.costs[c].get(key)
        if known is None:
            known = self.costs[c][key] = self._simulate(c, key)
            if not self.watched[c]:
                self.fixed[c] = known
        return known

    def changed(self, rest: int, left: int) -> int:
        """Return which readers of a buffer have a new cost after the move of one of them.

        `rest` holds its other readers. Forward, the cost of the last reader left changes, since the buffer
        will die in it. Backward, if the first reader has just moved, the costs of all others change, since
        the buffer no longer dies in them.
        """
        still = rest & left
        if self.backward:
            return rest if still == rest else 0
        return 0 if still & (still - 1) else still

    def _simulate(self, c: int, key: int) -> Cost:
        """Return the cost of a sequence, by running its operators, if the buffers in `key` die in it."""
        always, shared = self._dying[c]
        dying = always + [b for k, b in enumerate(shared) if key >> k & 1] if key else always
        steps = self.sequences[c]
        need, live = (
            self._run(c, steps, dying) if len(steps) > 1 else step_cost(self.problem, steps[0], dying)
        )
        return (need - live, -live) if self.backward else (need, live)

    def _run(self, c: int, steps: Sequence[int], dying: list[int]) -> Cost:
        problem, bit = self.problem, self.bits[c]
        live = need = 0
        for k, op in enumerate(steps):
            overwritable = problem.overwritable[op]
            freed, new = 0, problem.outputs[op]
            for b in problem.reads[op]:
                if b in dying if self.made_in[b] != bit else b not in problem.held:
                    if len(steps) > 1 and self._read_again(b, steps[k + 1 :]):
                        continue
                    freed += problem.sizes[b]
                    if b in overwritable:
                        new = 0
            need = max(need, live + problem.scratch[op] + new)
            live += problem.outputs[op] - problem.unread[op] - freed
        return need, live

    def _read_again(self, b: int, later: Sequence[int]) -> bool:
        return len(self.problem.readers[b]) > 1 and any(b in self.problem.reads[op] for op in later)


def members(mask: int) -> list[int]:
    """Return the members of a bit set in ascending order."""
    ascending: list[int] = []
    while mask:
        low = mask & -mask
        ascending.append(low.bit_length() - 1)
        mask ^= low
    return ascending


def step_cost(problem: Problem, op: int, dying: list[int]) -> Cost:
    """Return the cost of one operator after whose run some of the buffers that it reads die."""
    out, sizes, overwritable = problem.outputs[op], problem.sizes, problem.overwritable[op]
    new, freed = out, 0
    for b in dying:
        freed += sizes[b]
        if b in overwritable:
            new = 0
    return problem.scratch[op] + new, out - problem.unread[op] - freed
