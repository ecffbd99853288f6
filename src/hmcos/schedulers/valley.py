"""The lowest state between two states: a minimum cut.

Stable memory m is a sum over buffers of `size if made, less size if all readers are done too`. Over
the states between two given ones that is a closure problem (Picard, Maximal closure of a graph and
applications to combinatorial problems, Management Science 22, 1976): an operator costs the bytes it
makes, a buffer pays its bytes back once all its readers are chosen, and a choice must contain the
predecessors of its members. Solved by Dinic's algorithm on the few operators in between.
"""

from __future__ import annotations

from hmcos.schedulers.moves import Moves, members

UNBOUNDED = 1 << 80


def lowest_between(moves: Moves, before: int, after: int) -> int:
    """Return what is left in the lowest state between two of one direction, the farthest among equals.

    `before` and `after` are the moves left in the two states, `after` a subset of `before`.
    """
    undone = after if not moves.backward else moves.full & ~before
    between = before & ~after
    network = _Network(members(between))
    _connect(network, moves, between, undone)
    chosen = network.closure(largest=not moves.backward)
    if moves.backward:
        return after | chosen
    return before & ~chosen


def _connect(network: _Network, moves: Moves, between: int, undone: int) -> None:
    """Lay out one arc per weight and per precedence; `undone` are sequences outside that have not run."""
    problem = moves.problem
    weight = dict.fromkeys(network.nodes, 0)
    for b in moves.buffers_of(network.nodes):
        size, readers, is_held = problem.sizes[b], moves.read_by[b], b in problem.held
        if not size or not (readers or is_held):
            continue
        producer = problem.producer[b]
        if producer >= 0 and between >> moves.node[producer] & 1:
            weight[moves.node[producer]] -= size
        if is_held or readers & undone:
            continue
        inner = readers & between
        if inner & (inner - 1):
            network.reward(size, members(inner))
        elif inner:
            weight[inner.bit_length() - 1] += size
    for c, bytes_freed in weight.items():
        network.weigh(c, bytes_freed)
        gate = moves.followers[c] if moves.backward else members(moves.gates[c] & between)
        for other in gate:
            if between >> other & 1:
                network.require(c, other)


class _Network:
    """A flow network whose minimum cut is a closure of greatest weight."""

    def __init__(self, nodes: list[int]) -> None:
        self.nodes = nodes
        self._index = {c: k + 2 for k, c in enumerate(nodes)}
        self._arcs: list[list[int]] = [[] for _ in range(len(nodes) + 2)]
        self._heads: list[int] = []
        self._room: list[int] = []

    def weigh(self, c: int, weight: int) -> None:
        """Give a sequence its weight: what choosing it pays, below zero what it costs."""
        if weight > 0:
            self._arc(0, self._index[c], weight)
        elif weight < 0:
            self._arc(self._index[c], 1, -weight)

    def reward(self, size: int, needed: list[int]) -> None:
        """Pay `size` once all of `needed` are chosen."""
        self._arcs.append([])
        payer = len(self._arcs) - 1
        self._arc(0, payer, size)
        for c in needed:
            self._arc(payer, self._index[c], UNBOUNDED)

    def require(self, c: int, other: int) -> None:
        """Demand that `other` is chosen whenever `c` is."""
        self._arc(self._index[c], self._index[other], UNBOUNDED)

    def closure(self, *, largest: bool) -> int:
        """Return the members of the heaviest closure as a bit set, the largest or the smallest such."""
        levels = self._levels(0)
        while levels[1] >= 0:
            self._saturate(levels)
            levels = self._levels(0)
        if largest:
            reaching = self._reaching_sink()
            kept = (c for c in self.nodes if not reaching[self._index[c]])
        else:
            kept = (c for c in self.nodes if levels[self._index[c]] >= 0)
        mask = 0
        for c in kept:
            mask |= 1 << c
        return mask

    def _arc(self, tail: int, head: int, room: int) -> None:
        self._arcs[tail].append(len(self._heads))
        self._heads.append(head)
        self._room.append(room)
        self._arcs[head].append(len(self._heads))
        self._heads.append(tail)
        self._room.append(0)

    def _levels(self, source: int) -> list[int]:
        levels = [-1] * len(self._arcs)
        levels[source] = 0
        queue = [source]
        for node in queue:
            for arc in self._arcs[node]:
                head = self._heads[arc]
                if self._room[arc] and levels[head] < 0:
                    levels[head] = levels[node] + 1
                    queue.append(head)
        return levels

    def _reaching_sink(self) -> list[bool]:
        found = [False] * len(self._arcs)
        found[1] = True
        queue = [1]
        for node in queue:
            for arc in self._arcs[node]:
                tail = self._heads[arc]
                if self._room[arc ^ 1] and not found[tail]:
                    found[tail] = True
                    queue.append(tail)
        return found

    def _saturate(self, levels: list[int]) -> None:
        """Send a blocking flow along shortest paths."""
        untried = [len(arcs) for arcs in self._arcs]
        path: list[int] = []
        node = 0
        while True:
            if node == 1:
                self._send(path)
                path.clear()
                node = 0
                continue
            arcs = self._arcs[node]
            while untried[node]:
                arc = arcs[untried[node] - 1]
                if self._room[arc] and levels[self._heads[arc]] == levels[node] + 1:
                    break
                untried[node] -= 1
            if untried[node]:
                arc = arcs[untried[node] - 1]
                path.append(arc)
                node = self._heads[arc]
            elif path:
                node = self._heads[path.pop() ^ 1]
                untried[node] -= 1
            else:
                return

    def _send(self, path: list[int]) -> None:
        amount = min(self._room[arc] for arc in path)
        for arc in path:
            self._room[arc] -= amount
            self._room[arc ^ 1] += amount
