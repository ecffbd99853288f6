"""What the exact search may do next, and what it costs, in either direction.

A direction starts from one end of all orders and takes moves; a move runs (or, backward, un-runs) a
sequence. The set of sequences whose move is still to come is called `left`, in both directions.
"""

from __future__ import annotations

from collections.abc import Sequence

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
        self.gates = [0] * n
        """Sequences whose moves come before this one's."""
        self.followers: list[list[int]] = [[] for _ in range(n)]
        """Sequences that may become ready by this one's move, ascending."""
        self.before = [0] * n
        """Predecessors, in both directions."""
        self._order_sequences()
        self.read_by = [self._mask(readers) for readers in problem.readers]
        """Per buffer: the sequences that read it."""
        self.made_in = [0 if op < 0 else self.bits[self.node[op]] for op in problem.producer]
        """Per buffer: the sequence that makes it, none for an input."""
        self.lasting: list[list[int]] = [[] for _ in range(n)]
        """Per sequence: the non-empty buffers it makes that outlive it."""
        self.incoming: list[list[int]] = [[] for _ in range(n)]
        """Per sequence: the non-empty buffers of others that it reads and that somebody frees."""
        self.watched: list[list[tuple[int, int]]] = []
        """Per sequence: the other readers of a buffer that may die in it, and the key bit of that buffer."""
        self.affected: list[list[int]] = [[] for _ in range(n)]
        """Sequences whose cost may change by this one's move, ascending."""
        self._dying: list[tuple[frozenset[int], tuple[int, ...]]] = []
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
        problem, node = self.problem, self.node
        for c, steps in enumerate(self.sequences):
            before = {node[other] for op in steps for other in problem.predecessors[op]} - {c}
            after = {node[other] for op in steps for other in problem.successors[op]} - {c}
            for other in before:
                self.before[c] |= self.bits[other]
            if self.backward:
                before, after = after, before
                for other in before:
                    self.gates[c] |= self.bits[other]
            else:
                self.gates[c] = self.before[c]
            self.followers[c] = sorted(after)

    def _watch(self) -> None:
        held, sizes = self.problem.held, self.problem.sizes
        for c, steps in enumerate(self.sequences):
            made = [b for op in steps for b in self.problem.makes[op]]
            read = dict.fromkeys(b for op in steps for b in self.problem.reads[op])
            outer = [b for b in read if self.made_in[b] != self.bits[c] and b not in held]
            shared = [b for b in outer if self.read_by[b] != self.bits[c]]
            self.lasting[c] = [b for b in made if sizes[b] and (b in held or self.read_by[b] & ~self.bits[c])]
            self.incoming[c] = [b for b in outer if sizes[b]]
            self.watched.append([(self.read_by[b] & ~self.bits[c], 1 << k) for k, b in enumerate(shared)])
            self._dying.append((frozenset(outer).difference(shared), tuple(shared)))
            others = 0
            for rest, _ in self.watched[c]:
                others |= rest
            for other in members(others):
                self.affected[other].append(c)

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

    def _simulate(self, c: int, key: int) -> Cost:
        """Run the sequence step by step; the buffers in `key` die in it, those it alone reads always do."""
        always, shared = self._dying[c]
        dying = set(always)
        if key:
            dying.update(b for k, b in enumerate(shared) if key >> k & 1)
        steps = self.sequences[c]
        need, live = self._run(c, steps, dying) if len(steps) > 1 else self._step(steps[0], dying)
        return (need - live, -live) if self.backward else (need, live)

    def _step(self, op: int, dying: set[int]) -> Cost:
        problem, out = self.problem, self.problem.outputs[op]
        new = 0 if dying and not problem.overwritable[op].isdisjoint(dying) else out
        freed = sum([problem.sizes[b] for b in dying])
        return problem.scratch[op] + new, out - problem.unread[op] - freed

    def _run(self, c: int, steps: Sequence[int], dying: set[int]) -> Cost:
        problem = self.problem
        sizes, held = problem.sizes, problem.held
        last = {b: op for op in steps for b in problem.reads[op]}
        live = need = 0
        for op in steps:
            out = problem.outputs[op]
            for b in problem.makes[op]:
                if b not in held and self.read_by[b] & ~self.bits[c] == 0:
                    dying.add(b)
            freed = [b for b in problem.reads[op] if last[b] == op and b in dying]
            in_place = not problem.overwritable[op].isdisjoint(freed)
            need = max(need, live + problem.scratch[op] + (0 if in_place else out))
            lost = sum(sizes[b] for b in problem.makes[op] if b in dying and b not in last)
            live += out - lost - sum(sizes[b] for b in freed)
        return need, live


def members(mask: int) -> list[int]:
    """Return the members of a bit set in ascending order."""
    found: list[int] = []
    while mask:
        low = mask & -mask
        found.append(low.bit_length() - 1)
        mask ^= low
    return found
