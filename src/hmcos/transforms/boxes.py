"""Along one axis: what each piece of a region makes and reads, found from the region's end backwards."""

from __future__ import annotations

from typing import NamedTuple

from hmcos.graph.windows import Interval, Spatial, Transposed, Whole, Window
from hmcos.transforms.ordered_network import OrderedNetwork


class Cut(NamedTuple):
    """One operator of one piece."""

    made: Interval
    """What it makes, of each of its outputs."""
    given: tuple[Interval | None, ...]
    """What it reads of each input; None where it reads the input as it is."""
    pads: tuple[int, int]
    """Before and behind the first input; of a transposed convolution, what it takes away."""


class Walk:
    """The pieces of all regions that end at one position, along one axis.

    A region that begins earlier has the same cuts behind: what an operator makes for those after it does not
    depend on those before it. So one walk serves all regions with this end.
    """

    def __init__(self, network: OrderedNetwork, end: int, axis: int, pieces: int) -> None:
        """Begin at the end; `axis` is 0 for rows and 1 for columns."""
        self.network, self.end, self.axis, self.pieces = network, end, axis, pieces
        self.reached = end
        """The least position that was walked to."""
        self.stopped = False
        """Whether no region of this end can begin before that position."""
        self.cuts: dict[int, tuple[Cut, ...]] = {}
        """Per position, per piece."""
        self.shares: dict[int, tuple[Interval, ...]] = {}
        """Per tensor that leaves the region: the intervals that the pieces own."""
        self._wanted: dict[int, tuple[Interval, ...]] = {}
        self._lengths: dict[int, tuple[int, ...]] = {}
        self._whole: set[int] = set()
        """Tensors that every piece reads as they are, so that no piece can make them."""

    def reaches(self, begin: int) -> bool:
        """Return whether a region from a position up to the end can be cut into so many pieces."""
        while self.reached > begin and not self.stopped:
            cuts = self._cut(self.reached - 1)
            if cuts is None:
                self.stopped = True
            else:
                self.reached -= 1
                self.cuts[self.reached] = cuts
        return self.reached <= begin

    def lengths(self, position: int) -> tuple[int, ...]:
        """Return how much each piece makes at a position, in the order of pieces."""
        if position not in self._lengths:
            self._lengths[position] = tuple(cut.made.length for cut in self.cuts[position])
        return self._lengths[position]

    def _cut(self, position: int) -> tuple[Cut, ...] | None:
        network = self.network
        spatial = network.spatial[position]
        if spatial is None or not self._axes_fit(spatial):
            return None
        op = network.operator(position)
        if not self._whole.isdisjoint(op.makes):
            return None
        axis = spatial.axes[self.axis]
        size = network.graph.tensors[op.makes[0]].shape[axis]
        wants = [self._wanted[t] for t in op.makes if t in self._wanted]
        for t in op.makes:
            if network.last_read.get(t, -1) >= self.end:
                if size < self.pieces:
                    return None
                self.shares[t] = _shares(size, self.pieces)
                wants.append(self.shares[t])
        if not wants:
            return None
        wanted = wants[0]
        for other in wants[1:]:
            wanted = _hulls(wanted, other)
        cuts = self._plain(position, spatial, wanted, size) or self._each(position, spatial, wanted, size)
        if cuts is not None:
            self._want(position, cuts)
        return cuts

    def _plain(
        self, position: int, spatial: Spatial, wanted: tuple[Interval, ...], size: int
    ) -> tuple[Cut, ...] | None:
        """Return the cuts of an operator that reads just the pixels that it makes; None for any other."""
        tensors, axis = self.network.graph.tensors, spatial.axes[self.axis]
        same, wholes = list[bool](), list[Interval | None]()
        """Per input: whether a piece reads what it makes, and else what every piece reads."""
        for t, maps in zip(self.network.operator(position).inputs, spatial.inputs, strict=True):
            along = None if maps is None or t is None else maps[self.axis]
            if t is not None and isinstance(along, Window):
                if along != _SAME or tensors[t].shape[axis] != size:
                    return None
            elif along is not None and not isinstance(along, Whole):
                return None
            same.append(isinstance(along, Window))
            wholes.append(along.needed(wanted[0]) if isinstance(along, Whole) else None)
        return tuple(
            Cut(made, tuple(made if own else every for own, every in zip(same, wholes, strict=True)), (0, 0))
            for made in wanted
        )

    def _each(
        self, position: int, spatial: Spatial, wanted: tuple[Interval, ...], size: int
    ) -> tuple[Cut, ...] | None:
        cuts: list[Cut] = []
        for each in wanted:
            cut = self._one(position, spatial, each, size)
            if cut is None:
                return None
            cuts.append(cut)
        return tuple(cuts)

    def _axes_fit(self, spatial: Spatial) -> bool:
        known = self.cuts.get(self.end - 1)
        if known is None:
            return True
        last = self.network.spatial[self.end - 1]
        return last is not None and last.axes == spatial.axes

    def _one(self, position: int, spatial: Spatial, wanted: Interval, size: int) -> Cut | None:
        """Return the cut of one piece; None where nothing would be read, or padding cannot be expressed."""
        op, tensors = self.network.operator(position), self.network.graph.tensors
        axis, made = spatial.axes[self.axis], wanted
        for maps in spatial.inputs:
            if maps is not None:
                made = made.hull(maps[self.axis].made(wanted, size))
        given: list[Interval | None] = []
        pads = (0, 0)
        for k, maps in enumerate(spatial.inputs):
            t = op.inputs[k]
            if maps is None or t is None:
                given.append(None)
                continue
            along = maps[self.axis]
            needed = along.needed(made)
            read = needed.within(tensors[t].shape[axis])
            if read.length < 1:
                return None
            given.append(read)
            outside = (read.begin - needed.begin, needed.end - read.end)
            if isinstance(along, Transposed):
                pads = along.pads(made, read)
                if pads[0] < 0 or -pads[1] >= max(along.stride, along.dilation):
                    return None
            elif k == 0:
                pads = outside
            elif outside != (0, 0):
                return None
        most = spatial.most_pad
        if most is not None and max(pads) > most[self.axis]:
            return None
        return Cut(made, tuple(given), pads)

    def _want(self, position: int, cuts: tuple[Cut, ...]) -> None:
        """Note what an operator wants of the tensors that it reads in pieces."""
        for k, t in enumerate(self.network.operator(position).inputs):
            if t is None:
                continue
            if cuts[0].given[k] is None:
                self._whole.add(t)
                continue
            wanted = tuple(given for cut in cuts if (given := cut.given[k]) is not None)
            before = self._wanted.get(t)
            self._wanted[t] = wanted if before is None else _hulls(before, wanted)


_SAME = Window()
"""The map of an operator that makes a pixel of the same pixel."""


def _hulls(some: tuple[Interval, ...], others: tuple[Interval, ...]) -> tuple[Interval, ...]:
    """Return per piece the smallest interval that holds both."""
    return some if some == others else tuple(map(Interval.hull, some, others))


def _shares(size: int, pieces: int) -> tuple[Interval, ...]:
    """Return intervals of nearly the same length that follow each other from 0 to the size."""
    return tuple(Interval(size * q // pieces, size * (q + 1) // pieces) for q in range(pieces))
