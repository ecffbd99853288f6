"""Valley cuts: the lowest state between two states, by a minimum cut.

The stable memory of a state is a sum over buffers: each counts its size once it is made, and no longer
counts once all its readers are done. So finding the lowest state between two given ones is a closure
problem (Picard, Maximal closure of a graph and applications to combinatorial problems, Management Science
22, 1976): choosing an operator costs the bytes that it makes, a buffer pays its bytes back once all its
readers are chosen, and a choice must contain the predecessors of its members. Flow runs from what pays
(supply) to what costs (demand), along these requirements.
"""

from __future__ import annotations

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
        self._required: dict[int, int] = {}
        """Per node: the nodes that must be chosen with it, as a bit set."""
        self._sent: dict[tuple[int, int], int] = {}
        """Bytes from a node to one that it requires."""
        self._undoable: dict[int, int] = {}
        """Per node: the nodes that send bytes to it, as a bit set; these bytes could be sent elsewhere
        instead."""
        self._supply: dict[int, int] = {}
        self._demand: dict[int, int] = {}
        nodes = members(between)
        for c in nodes:
            self._required[c] = moves.before[c] & between
            self._undoable[c] = 0
        for c in nodes:
            self._make(c)
        for c in nodes:
            self._read(c)

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

    def _make(self, c: int) -> None:
        """Set the demand of a sequence: the bytes it makes, less those that readers in between pay back."""
        demand = 0
        for size, readers in self._moves.lasting[c]:
            if not readers or readers & self._undone:
                demand += size
                continue
            reader = (readers & -readers).bit_length() - 1
            if readers & (readers - 1):
                self._send(self._buffer(readers), reader, size)
            self._send(reader, c, size)
        if demand:
            self._demand[c] = demand

    def _read(self, c: int) -> None:
        """Add the supply of each buffer from before that may die and whose lowest reader is this sequence."""
        between, bit = self._between, self._moves.bits[c]
        for size, readers, maker in self._moves.incoming[c]:
            inner = readers & between
            if maker & between or readers & self._undone or inner & -inner != bit:
                continue
            node = c if inner == bit else self._buffer(inner)
            self._supply[node] = self._supply.get(node, 0) + size

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
        closed, demanding = 0, self._demanding()
        for source in sorted(self._supply):
            while self._supply[source] and not closed >> source & 1 and (demanding or every):
                came_from, target = self._reach(source, closed, demanding)
                if target < 0:
                    for node in came_from:
                        closed |= 1 << node
                    break
                self._push(source, target, came_from)
                if not self._demand[target]:
                    del self._demand[target]
                    demanding ^= 1 << target
        return closed

    def _reach(self, source: int, closed: int, demanding: int) -> tuple[dict[int, int], int]:
        """Return from where each node was reached, and the first node with demand, -1 without one."""
        came_from = {source: source}
        if demanding >> source & 1:
            return came_from, source
        required, undoable = self._required, self._undoable
        seen, queue = closed | 1 << source, [source]
        for node in queue:
            fresh = (required[node] | undoable[node]) & ~seen
            if not fresh:
                continue
            hit = fresh & demanding
            if hit:
                target = hit.bit_length() - 1
                came_from[target] = node
                return came_from, target
            seen |= fresh
            while fresh:
                other = fresh.bit_length() - 1
                fresh ^= 1 << other
                came_from[other] = node
                queue.append(other)
        return came_from, -1

    def _push(self, source: int, target: int, came_from: dict[int, int]) -> None:
        """Send as many bytes as the way from source to target can carry."""
        amount, node = min(self._supply[source], self._demand[target]), target
        while node != source:
            tail = came_from[node]
            if not self._required[tail] >> node & 1:
                amount = min(amount, self._sent[node, tail])
            node = tail
        self._supply[source] -= amount
        self._demand[target] -= amount
        node = target
        while node != source:
            tail = came_from[node]
            if self._required[tail] >> node & 1:
                self._send(tail, node, amount)
            else:
                self._take_back(node, tail, amount)
            node = tail
