"""What the exact search may do next, and what it costs, in either direction.

A direction starts from one end of all orders and takes moves; a move runs (or, backward, un-runs) a
sequence. The set of sequences whose move is still to come is called `left`, in both directions.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from hmcos.memory.problem import Problem

Cost = tuple[int, int]
"""Bytes over the stable memory before a move: needed during it, and left after it."""


class Moves:
    """The moves of one direction over a problem whose operators are joined into sequences.

    Flat lists, indexed by the number of a sequence, for the inner loop of the search.
    """

    def __init__(self, problem: Problem, sequences: Sequence[Sequence[int]], *, backward: bool) -> None:
        self.problem = problem
        self.sequences = sequences
        self.backward = backward
        self.node = [0] * problem.operators
        for c, steps in enumerate(sequences):
            for op in steps:
                self.node[op] = c
        n = len(sequences)
        self.bits = [1 << c for c in range(n)]
        self.full = (1 << n) - 1
        self.gates: list[int] = []
        """Sequences whose moves come before this one's."""
        self.followers: list[list[int]] = [[] for _ in range(n)]
        """Sequences that may become ready by this one's move, ascending."""
        self.before = [0] * n
        """Predecessors, in both directions."""
        self._order_sequences()
        self.read_by = [
            self.bits[self.node[readers[0]]] if len(readers) == 1 else self._mask(readers)
            for readers in problem.readers
        ]
        """Per buffer: the sequences that read it."""
        self.made_in = [0 if op < 0 else self.bits[self.node[op]] for op in problem.producer]
        """Per buffer: the sequence that makes it, none for an input."""
        self.lasting: list[list[tuple[int, int]]] = [[] for _ in range(n)]
        """Per sequence: size and readers of the buffers that it makes for others, none if never freed."""
        self.incoming: list[list[tuple[int, int, int]]] = [[] for _ in range(n)]
        """Per sequence: size, readers and maker of the buffers of others that it reads and somebody frees."""
        self.watched: list[list[tuple[int, int]]] = [[] for _ in range(n)]
        """Per sequence: the other readers of a buffer that may die in it, and the key bit of that buffer."""
        self._dying: list[tuple[list[int], list[int]]] = []
        """Per sequence: buffers that always die in it, and the watched ones in the order of their bits."""
        self._watch()
        self.costs: list[dict[int, Cost]] = [{} for _ in range(n)]
        """Per sequence: cost by the set of watched buffers that die in it."""
        self.start = sum(problem.sizes[b] for b in (problem.held if backward else problem.inputs))
        """Stable memory where this direction starts."""

    def _mask(self, operators: Sequence[int]) -> int:
        mask = 0
        for op in operators:
            mask |= 1 << self.node[op]
        return mask

    def _order_sequences(self) -> None:
        """Find who comes before whom: only its first operator waits, only its last one is waited for."""
        problem, node, bits = self.problem, self.node, self.bits
        after = [0] * len(bits)
        for c, steps in enumerate(self.sequences):
            followers = sorted({node[other] for other in problem.successors[steps[-1]]})
            self.followers[c] = followers
            for other in followers:
                self.before[other] |= bits[c]
                after[c] |= bits[other]
        self.gates = after if self.backward else self.before
        if self.backward:
            self.followers = [members(before) for before in self.before]

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
        """Return the cost of a sequence's move in the state in which the moves of `left` are to come."""
        key = 0
        if self.backward:
            for rest, bit in self.watched[c]:
                if rest & left == rest:
                    key |= bit
        else:
            for rest, bit in self.watched[c]:
                if not rest & left:
                    key |= bit
        found = self.costs[c].get(key)
        if found is None:
            found = self.costs[c][key] = self._simulate(c, key)
        return found

    def changed(self, rest: int, left: int) -> int:
        """Return which of a buffer's other readers cost something else now that one of them has moved.

        Forward only the last that is left: the buffer will die in it. Backward, if the one that moved
        was the first, all others: the buffer no longer dies in them.
        """
        still = rest & left
        if self.backward:
            return rest if still == rest else 0
        return 0 if still & (still - 1) else still

    def _simulate(self, c: int, key: int) -> Cost:
        """Run the sequence step by step; the buffers in `key` die in it, those it alone reads always do."""
        always, shared = self._dying[c]
        dying = always + [b for k, b in enumerate(shared) if key >> k & 1] if key else always
        steps = self.sequences[c]
        need, live = self._run(c, steps, dying) if len(steps) > 1 else self._step(steps[0], dying)
        return (need - live, -live) if self.backward else (need, live)

    def _step(self, op: int, dying: list[int]) -> Cost:
        problem = self.problem
        out, sizes, overwritable = problem.outputs[op], problem.sizes, problem.overwritable[op]
        new, freed = out, 0
        for b in dying:
            freed += sizes[b]
            if b in overwritable:
                new = 0
        return problem.scratch[op] + new, out - problem.unread[op] - freed

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
    found: list[int] = []
    while mask:
        low = mask & -mask
        found.append(low.bit_length() - 1)
        mask ^= low
    return found
