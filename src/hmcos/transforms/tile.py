"""Tiling: regions of an order that run piece by piece, as steps of a rewrite.

Each piece cuts what it needs out of what enters the region, runs all operators of the region on it, and
keeps its share of what leaves the region. After the last piece the shares are put together. What the windows
of neighbours have in common is computed again.

Patch-based inference: Lin, Chen, Cai, Gan, Han, "MCUNetV2", NeurIPS 2021; fused layers: Alwani, Chen,
Ferdman, Milder, "Fused-layer CNN accelerators", MICRO 2016.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from hmcos.graph.graph import Operator
from hmcos.graph.rewrite import (
    Box,
    ConcatStep,
    OperatorStep,
    PadStep,
    Part,
    Rewrite,
    SliceStep,
    Step,
)
from hmcos.graph.source_order import parameter_nodes, source_order
from hmcos.graph.windows import Interval, Pads, Spatial, Window, same_pads
from hmcos.transforms.boxes import Cut, Walk
from hmcos.transforms.ordered_network import OrderedNetwork


@dataclass(frozen=True, slots=True, order=True)
class TiledRegion:
    """A region of an order, and the grid of its pieces."""

    begin: int
    """Position of its first operator."""
    end: int
    """Position behind its last operator."""
    rows: int
    columns: int
    early: int | None = None
    """From this piece on, all that is still to be cut out of what enters is cut at once, so that what
    enters ends there; None for never."""

    @property
    def pieces(self) -> int:
        """How many there are; they run row by row."""
        return self.rows * self.columns


Place = tuple[int, int, int, int]
"""Row and column of a piece, position of an operator, and number of its input."""


@dataclass
class Steps:
    """Steps so far, and the tensors that they add."""

    first: int
    """Id of the first new tensor."""
    steps: list[Step] = field(default_factory=list[Step])
    parts: list[Part] = field(default_factory=list[Part])

    def part(self, tensor: int, box: Box, axes: tuple[int, int]) -> int:
        """Return the id of a new tensor that is a box of one of the source."""
        self.parts.append(Part(tensor, box, axes))
        return self.first + len(self.parts) - 1


class Pieces:
    """The pieces of one region, ready to be written as steps."""

    def __init__(self, network: OrderedNetwork, begin: int, rows: Walk, columns: Walk) -> None:
        """Take the walks of both axes; both have to reach the begin."""
        self.network, self.begin, self.end = network, begin, rows.end
        self.walks = rows, columns
        self.exits = tuple(t for t in sorted(rows.shares) if network.maker[t] >= begin)
        """Tensors that leave the region, by id."""
        self.entries = tuple(dict.fromkeys(self._entering()))
        """Tensors that enter it, parameters left out, in order of first use."""
        first = network.spatial[begin]
        assert first is not None, "a walk went through it"
        self.axes = first.axes
        self._shapes: dict[tuple[int, int], tuple[object, ...]] = {}

    def _entering(self) -> Iterator[int]:
        network = self.network
        for p in range(self.begin, self.end):
            for t in network.operator(p).reads:
                if not network.graph.tensors[t].is_parameter and network.maker.get(t, -1) < self.begin:
                    yield t

    def cut(self, position: int, row: int, column: int) -> tuple[Cut, Cut]:
        """Return what an operator makes and reads in a piece: rows and columns."""
        rows, columns = self.walks
        return rows.cuts[position][row], columns.cuts[position][column]

    def held(self, tensor: int, row: int, column: int) -> Box:
        """Return the box of a tensor that there is while a piece runs: all of it where it enters."""
        maker = self.network.maker.get(tensor, -1)
        if maker >= self.begin:
            cuts = self.cut(maker, row, column)
            return cuts[0].made, cuts[1].made
        shape = self.network.graph.tensors[tensor].shape
        return Interval(0, shape[self.axes[0]]), Interval(0, shape[self.axes[1]])

    def share(self, tensor: int, row: int, column: int) -> Box:
        """Return what a piece owns of a tensor that leaves the region."""
        rows, columns = self.walks
        return rows.shares[tensor][row], columns.shares[tensor][column]

    def given(self, position: int, number: int, row: int, column: int) -> Box | None:
        """Return what an operator reads of an input in a piece; None where it reads it as it is."""
        rows, columns = (cut.given[number] for cut in self.cut(position, row, column))
        return None if rows is None or columns is None else (rows, columns)

    def cuts_of(self, tensor: int, row: int, column: int) -> Iterator[tuple[Place, Box]]:
        """Yield where a piece has to cut a tensor that enters, and what; not where it is read as it is."""
        for p in range(self.begin, self.end):
            for k, t in enumerate(self.network.operator(p).inputs):
                box = self.given(p, k, row, column) if t == tensor else None
                if box is not None and box != self.held(tensor, row, column) and self._first(p, k) == k:
                    yield (row, column, p, k), box

    def _first(self, position: int, number: int) -> int:
        """Return the first input of an operator that reads the same of the same tensor as another one.

        One cut serves both: runtimes may compute x * x in another way than the product of two tensors.
        """
        op, spatial = self.network.operator(position), self.network.spatial[position]
        assert spatial is not None, "a walk went through it"
        reads = op.inputs[number], spatial.inputs[number]
        return next(k for k in range(number + 1) if (op.inputs[k], spatial.inputs[k]) == reads)

    def reads_whole(self, tensor: int, row: int, column: int) -> bool:
        """Return whether a piece reads a tensor that enters without cutting it."""
        for p in range(self.begin, self.end):
            for k, t in enumerate(self.network.operator(p).inputs):
                if t != tensor:
                    continue
                box = self.given(p, k, row, column)
                if box is None or box == self.held(tensor, row, column):
                    return True
        return False

    def shape(self, axis: int, index: int) -> tuple[object, ...]:
        """Return what the cost of the pieces of a row (axis 0) or column (axis 1) depends on."""
        key = axis, index
        if key not in self._shapes:
            self._shapes[key] = tuple(self._shape(axis, index))
        return self._shapes[key]

    def _shape(self, axis: int, index: int) -> Iterator[object]:
        """Yield the lengths of all boxes, and whether they are all that there is of a tensor."""
        network, walk = self.network, self.walks[axis]
        for p in range(self.begin, self.end):
            cut, op = walk.cuts[p][index], network.operator(p)
            yield cut.made.length
            yield cut.pads
            for t, given in zip(op.inputs, cut.given, strict=True):
                if given is None or t is None:
                    continue
                maker = network.maker.get(t, -1)
                yield given.length
                if maker >= self.begin:
                    yield given == walk.cuts[maker][index].made
                else:
                    yield given.length == network.graph.tensors[t].shape[self.axes[axis]]
            for t in op.makes:
                if t in walk.shares:
                    yield walk.shares[t][index].length
                    yield walk.shares[t][index] == cut.made

    def write(self, out: Steps, row: int, column: int, ready: dict[Place, int]) -> dict[int, int]:
        """Write the steps of one piece and return its share of each exit; `ready` are cuts made before."""
        have: dict[int, int] = {}
        shares: dict[int, int] = {}
        cut = dict(ready)
        for p in range(self.begin, self.end):
            op, spatial = self.network.operator(p), self.network.spatial[p]
            assert spatial is not None, "a walk went through it"
            place = row, column, p
            inputs = [
                t if t is None else self._read(out, (*place, self._first(p, k)), have.get(t, t), t, cut)
                for k, t in enumerate(op.inputs)
            ]
            pads = self._padded(out, place, op, spatial, inputs)
            cuts = self.cut(p, row, column)
            box = cuts[0].made, cuts[1].made
            made = {t: out.part(t, box, self.axes) for t in op.makes}
            have |= made
            outputs = tuple(None if t is None else made[t] for t in op.outputs)
            out.steps.append(OperatorStep(op.number, tuple(inputs), outputs, pads))
            for t in op.makes:
                if t in self.exits:
                    shares[t] = self._cut_out(out, have[t], t, box, self.share(t, row, column))
        return shares

    def _read(self, out: Steps, place: Place, have: int, tensor: int, ready: dict[Place, int]) -> int:
        """Return what an operator of a piece reads for an input, after it was cut where that is needed."""
        row, column, position, number = place
        box = self.given(position, number, row, column)
        if box is None:
            return have
        if place not in ready:
            ready[place] = self._cut_out(out, have, tensor, self.held(tensor, row, column), box)
        return ready[place]

    def _cut_out(self, out: Steps, have: int, tensor: int, held: Box, box: Box) -> int:
        if box == held:
            return have
        cut = out.part(tensor, box, self.axes)
        inside = tuple(
            Interval(wanted.begin - there.begin, wanted.end - there.begin)
            for wanted, there in zip(box, held, strict=True)
        )
        out.steps.append(SliceStep(have, cut, (inside[0], inside[1]), self.axes))
        return cut

    def _padded(
        self,
        out: Steps,
        place: tuple[int, int, int],
        op: Operator,
        spatial: Spatial,
        inputs: list[int | None],
    ) -> tuple[tuple[int, int], tuple[int, int]]:
        """Return the padding that the operator itself is told, after what it cannot be told was added."""
        row, column, position = place
        cuts = self.cut(position, row, column)
        pads = cuts[0].pads, cuts[1].pads
        box, first = self.given(position, 0, row, column), op.inputs[0] if op.inputs else None
        if pads == ((0, 0), (0, 0)) or _takes(spatial, box, pads) or box is None or first is None:
            return pads
        wide = tuple(
            Interval(there.begin - before, there.end + behind)
            for there, (before, behind) in zip(box, pads, strict=True)
        )
        read = inputs[0]
        assert read is not None, "what is padded is read"
        padded = out.part(first, (wide[0], wide[1]), self.axes)
        out.steps.append(PadStep(read, padded, pads, self.axes, spatial.fill))
        inputs[0] = padded
        return (0, 0), (0, 0)

    def write_early(
        self, out: Steps, from_piece: int, columns: int, dying: Sequence[int]
    ) -> dict[Place, int]:
        """Write all cuts of some entries from a piece on and return where each will be read."""
        rows = len(self.walks[0].cuts[self.begin])
        made: dict[Place, int] = {}
        for piece in range(from_piece, rows * columns):
            row, column = divmod(piece, columns)
            for t in dying:
                held = self.held(t, row, column)
                for place, box in self.cuts_of(t, row, column):
                    made[place] = self._cut_out(out, t, t, held, box)
        return made

    def cut_early(self, from_piece: int, columns: int) -> tuple[int, ...]:
        """Return the entries that end in the region once all pieces from one on have cut them."""
        rows = len(self.walks[0].cuts[self.begin])
        left = [divmod(piece, columns) for piece in range(from_piece, rows * columns)]
        return tuple(t for t in self.dying if not any(self.reads_whole(t, *piece) for piece in left))

    @property
    def dying(self) -> tuple[int, ...]:
        """Entries that nobody needs after the region."""
        return tuple(t for t in self.entries if self.network.last_use.get(t, -1) < self.end)


def _takes(spatial: Spatial, box: Box | None, pads: tuple[tuple[int, int], tuple[int, int]]) -> bool:
    """Return whether an operator can be told some padding of what it reads."""
    if spatial.pads is Pads.EXPLICIT:
        return True
    maps = spatial.inputs[0] if spatial.inputs else None
    if spatial.pads is Pads.NONE or box is None or maps is None:
        return False
    return all(
        isinstance(along, Window) and same_pads(there.length, along) == padding
        for along, there, padding in zip(maps, box, pads, strict=True)
    )


def expand(network: OrderedNetwork, regions: Sequence[TiledRegion]) -> Rewrite:
    """Return the rewrite of a network in which regions that do not overlap are tiled.

    The steps follow the order of the network; operators that only compute parameters stand before the first
    that needs them.
    """
    out = Steps(len(network.graph.tensors))
    scheduled = {n: p for p, n in enumerate(network.order)}
    region_at = {p: region for region in regions for p in range(region.begin, region.end)}
    for n in source_order(parameter_nodes(network.graph), network.order):
        op = network.graph.operators[n]
        region = region_at.get(scheduled.get(n, -1))
        if region is None:
            out.steps.append(OperatorStep(n, op.inputs, op.outputs))
            continue
        # Whatever computes parameters for the region has been written by the time its last operator comes.
        if scheduled[n] == region.end - 1:
            write_region(out, pieces_of(network, region), region)
    return Rewrite(tuple(out.steps), tuple(out.parts))


def pieces_of(network: OrderedNetwork, region: TiledRegion) -> Pieces:
    """Return the pieces of a region."""
    rows = Walk(network, region.end, 0, region.rows)
    columns = Walk(network, region.end, 1, region.columns)
    assert rows.reaches(region.begin), "rows of a region that was not checked"
    assert columns.reaches(region.begin), "columns of a region that was not checked"
    return Pieces(network, region.begin, rows, columns)


def write_region(out: Steps, pieces: Pieces, region: TiledRegion) -> None:
    """Write the steps of a region: all pieces, and what puts their shares together."""
    ready: dict[Place, int] = {}
    strips: dict[int, list[int]] = {t: [] for t in pieces.exits}
    for row in range(region.rows):
        made: dict[int, list[int]] = {t: [] for t in pieces.exits}
        for column in range(region.columns):
            piece = row * region.columns + column
            if piece == region.early:
                dying = pieces.cut_early(piece, region.columns)
                ready = pieces.write_early(out, piece, region.columns, dying)
            for t, share in pieces.write(out, row, column, ready).items():
                made[t].append(share)
        for t in pieces.exits:
            strips[t].append(_strip(out, pieces, region, t, (row, made[t])))
    if region.rows > 1:
        for t in pieces.exits:
            out.steps.append(ConcatStep(tuple(strips[t]), t, pieces.axes[0]))


def _strip(
    out: Steps, pieces: Pieces, region: TiledRegion, tensor: int, row_of: tuple[int, list[int]]
) -> int:
    """Return the shares of one row of pieces put together."""
    row, made = row_of
    if region.columns == 1:
        return made[0]
    width = pieces.network.graph.tensors[tensor].shape[pieces.axes[1]]
    rows = pieces.share(tensor, row, 0)[0]
    strip = tensor if region.rows == 1 else out.part(tensor, (rows, Interval(0, width)), pieces.axes)
    out.steps.append(ConcatStep(tuple(made), strip, pieces.axes[1]))
    return strip
