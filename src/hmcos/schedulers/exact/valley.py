"""Valley cuts: the lowest state between two states, by a minimum cut.

The stable memory of a state is a sum over buffers: each counts its size once it is made, and no longer
counts once all its readers are done. So finding the lowest state between two given ones is a closure
problem (Picard, Maximal closure of a graph and applications to combinatorial problems, Management Science
22, 1976): choosing an operator costs the bytes that it makes, a buffer pays its bytes back once all its
readers are chosen, and a choice must contain the predecessors of its members. Flow runs from what pays
(supply) to what costs (demand), along these requirements.
"""

from __future__ import annotations

from itertools import pairwise

from hmcos.schedulers.exact.moves import Moves, members


def lowest_between(moves: Moves, before: int, after: int) -> int:
    """Return the moves left in the lowest state between two states, the farthest of several.

    `before` and `after` are the moves left in the two states as bit sets; `after` is a subset of `before`.
    """
    flow = _Flow(moves, before & ~after, moves.full & ~before if moves.backward else after)
    if moves.backward:
        return after | flow.smallest_closure()
    return before & ~flow.largest_closure()


class _Flow:
    """A flow over nodes: the sequences in between, and each buffer that several of them read.

    Requirements have unlimited capacity. At the start, each buffer that is made and dies in between sends its
    bytes to its own producer. So only buffers from before are left as supply, and buffers that are still live
    afterwards as demand.
    """

    def __init__(self, moves: Moves, between: int, undone: int) -> None:
        self._moves = moves
        self._between = between
        self._undone = undone
        self._top = len(moves.bits)
        """The number of the next buffer."""
        nodes = members(between)
        self._required = {c: moves.before[c] & between for c in nodes}
        """Per node: the nodes that must be chosen with it, as a bit set."""
        self._sent: dict[tuple[int, int], int] = {}
        """Bytes from a node to one that it requires."""
        self._undoable = dict.fromkeys(nodes, 0)
        """Per node: the nodes that send bytes to it, as a bit set; these bytes could be sent elsewhere
        instead."""
        self._supply: dict[int, int] = {}
        self._demand: dict[int, int] = {}
        self._make(nodes)
        self._read(nodes)

    def smallest_closure(self) -> int:
        """Return the smallest closure among those that pay back most, as a bit set of sequences."""
        return self._saturate(every=True) & self._between

    def largest_closure(self) -> int:
        """Return the largest closure among those that pay back most, as a bit set of sequences."""
        self._saturate(every=False)
        reaching = self._demanding()
        grows = bool(reaching)
        while grows:
            grows = False
            for node, required in self._required.items():
                if not reaching >> node & 1 and (required | self._undoable[node]) & reaching:
                    reaching |= 1 << node
                    grows = True
        return self._between & ~reaching

    def _make(self, nodes: list[int]) -> None:
        """Set the demand of each sequence: the bytes that it makes and no readers in between pay back."""
        lasting, undone = self._moves.lasting, self._undone
        for c in nodes:
            demand = 0
            for size, readers in lasting[c]:
                if not readers or readers & undone:
                    demand += size
                    continue
                reader = readers.bit_length() - 1
                if readers & (readers - 1):
                    self._send(self._buffer(readers), reader, size)
                self._send(reader, c, size)
            if demand:
                self._demand[c] = demand

    def _read(self, nodes: list[int]) -> None:
        """Set the supply of each node: the bytes from before that die once its readers are chosen."""
        incoming, between, undone, supply = self._moves.incoming, self._between, self._undone, self._supply
        for c in nodes:
            for size, readers, maker in incoming[c]:
                if maker & between or readers & undone:
                    continue
                inner = readers & between
                if inner.bit_length() - 1 != c:
                    continue
                node = self._buffer(inner) if inner & (inner - 1) else c
                supply[node] = supply.get(node, 0) + size

    def _buffer(self, readers: int) -> int:
        self._top += 1
        self._required[self._top] = readers
        self._undoable[self._top] = 0
        return self._top

    def _send(self, tail: int, head: int, size: int) -> None:
        self._sent[tail, head] = self._sent.get((tail, head), 0) + size
        self._undoable[head] |= 1 << tail

    def _take_back(self, tail: int, head: int, size: int) -> None:
        self._sent[tail, head] -= size
        if not self._sent[tail, head]:
            self._undoable[head] ^= 1 << tail

    def _demanding(self) -> int:
        mask = 0
        for node in self._demand:
            mask |= 1 << node
        return mask

    def _saturate(self, *, every: bool) -> int:
        """Send all bytes that can be sent; return the nodes that unsent supply reaches, as a bit set.

        Once no demand is left, that set is completed only if `every` node of it is asked for.
        """
        supply, demand = self._supply, self._demand
        closed, demanding = 0, self._demanding()
        for source in sorted(supply):
            while supply[source] and not closed >> source & 1 and (demanding or every):
                way, reached = self._reach(source, closed, demanding)
                if not way:
                    closed = reached
                    break
                self._push(way)
                target = way[-1]
                if not demand[target]:
                    del demand[target]
                    demanding ^= 1 << target
        return closed

    def _reach(self, source: int, closed: int, demanding: int) -> tuple[list[int], int]:
        """Return a way from a source to a node with demand, and the nodes that are reached or were closed.

        The way is empty if no node with demand is reached.
        """
        required, undoable = self._required, self._undoable
        reached, queue = closed | 1 << source, [source]
        if reached & demanding:
            return queue, reached
        found: list[tuple[int, int]] = []
        """Nodes, and what was reached first from each."""
        for node in queue:
            fresh = (required[node] | undoable[node]) & ~reached
            if not fresh:
                continue
            found.append((node, fresh))
            if fresh & demanding:
                return _way(found, (fresh & demanding).bit_length() - 1), reached
            reached |= fresh
            while fresh:
                other = fresh.bit_length() - 1
                fresh ^= 1 << other
                queue.append(other)
        return [], reached

    def _push(self, way: list[int]) -> None:
        """Send as many bytes as a way can carry from its first node to its last."""
        required, sent = self._required, self._sent
        source, target = way[0], way[-1]
        amount = min(self._supply[source], self._demand[target])
        for tail, node in pairwise(way):
            if not required[tail] >> node & 1:
                amount = min(amount, sent[node, tail])
        self._supply[source] -= amount
        self._demand[target] -= amount
        for tail, node in pairwise(way):
            if required[tail] >> node & 1:
                self._send(tail, node, amount)
            else:
                self._take_back(node, tail, amount)


def _way(found: list[tuple[int, int]], target: int) -> list[int]:
    """Return the nodes from the first one to a target, given nodes and what was reached first from each."""
    way = [target]
    for node, fresh in reversed(found):
        if fresh >> way[-1] & 1:
            way.append(node)
    return way[::-1]
