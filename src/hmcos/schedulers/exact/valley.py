"""The lowest state between two states: a minimum cut.

Stable memory is a sum over buffers of `size if made, less size if all readers are done too`. Over the
states between two given ones that is a closure problem (Picard, Maximal closure of a graph and
applications to combinatorial problems, Management Science 22, 1976): choosing an operator costs the
bytes it makes, a buffer pays its bytes back once all its readers are chosen, and a choice contains the
predecessors of its members. Flow runs from what pays to what costs, along requirements.
"""

from __future__ import annotations

from hmcos.schedulers.exact.moves import Moves, members


def lowest_between(moves: Moves, before: int, after: int) -> int:
    """Return what is left in the lowest state between two of one direction, the farthest among equals.

    `before` and `after` are the moves left in the two states, `after` a subset of `before`.
    """
    flow = _Flow(moves, before & ~after, moves.full & ~before if moves.backward else after)
    if moves.backward:
        return after | flow.smallest_closure()
    return before & ~flow.largest_closure()


class _Flow:
    """A flow among sequences, and among buffers with several readers, which stand above the sequences.

    Requirements have no capacity. What a buffer pays back is sent to its own producer from the start,
    so that only the buffers that live in are left as supply and those that live out as demand.
    """

    def __init__(self, moves: Moves, between: int, undone: int) -> None:
        self._moves = moves
        self._between = between
        self._undone = undone
        self._top = len(moves.bits)
        """The number of the next buffer."""
        self._required: dict[int, int] = {}
        """Per node: what must be chosen with it."""
        self._sent: dict[tuple[int, int], int] = {}
        """Bytes from a node to one that it requires."""
        self._undoable: dict[int, int] = {}
        """Per node: where bytes that reach it come from, since they could be sent elsewhere."""
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
        """Return the smallest of the heaviest closures, as a bit set of sequences."""
        return self._saturate(every=True) & self._between

    def largest_closure(self) -> int:
        """Return the largest of the heaviest closures, as a bit set of sequences."""
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
        """Demand what a sequence makes for later, less what its readers pay back."""
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
        """Supply the bytes of each buffer from before whose lowest reader is this one, if it may die."""
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
        """Send all that can be sent; return the nodes that left-over supply reaches, as a bit set.

        With nothing left to demand that set is of interest only when `every` one is asked for.
        """
        closed, demanding = 0, self._demanding()
        for source in sorted(self._supply):
            while self._supply[source] and not closed >> source & 1 and (demanding or every):
                came_from, target = self._find(source, closed, demanding)
                if target < 0:
                    for node in came_from:
                        closed |= 1 << node
                    break
                self._push(source, target, came_from)
                if not self._demand[target]:
                    del self._demand[target]
                    demanding ^= 1 << target
        return closed

    def _find(self, source: int, closed: int, demanding: int) -> tuple[dict[int, int], int]:
        """Return how each node was reached from a source, and the first that demands anything, else -1."""
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
        """Send as much as the way from source to target can carry."""
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
