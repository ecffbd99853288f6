"""What a tiled region costs: peak and arithmetic of the graph that will be written, before it is.

Pieces whose boxes have the same sizes cost the same: one of each is lowered and profiled like any network,
and the region is put together of those.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from hmcos.graph.rewrite import Box, Part
from hmcos.graph.windows import Summation
from hmcos.memory.target import kind_name
from hmcos.transforms.boxes import Walk
from hmcos.transforms.ordered_network import OrderedNetwork, counted
from hmcos.transforms.piece import KnownPieces, Moment, TilePiece
from hmcos.transforms.tile import Pieces, TiledRegion


class Cost(NamedTuple):
    """What a region costs."""

    peak: int
    """Bytes: the most in use while the region runs, all that lives beside it included."""
    macs: int
    """Multiplications and additions beyond those of the source."""
    kept: int
    """Bytes that the runtime keeps for good for all operators, beyond those for the source's."""


class Costing:
    """Prices regions of one network; remembers walks and pieces."""

    def __init__(self, network: OrderedNetwork) -> None:
        self.network = network
        self.known = KnownPieces(network)
        self._walks: dict[tuple[int, int, int], Walk] = {}
        self._macs: dict[tuple[int, int, int], list[int]] = {}
        self._least: dict[tuple[int, int, int], list[int]] = {}
        self._kept: dict[tuple[int, int, int], tuple[int, bool]] = {}
        self._checked: dict[tuple[int, int], bool] = {}

    def walk(self, end: int, axis: int, pieces: int) -> Walk:
        """Return a walk, the same one every time."""
        key = end, axis, pieces
        if key not in self._walks:
            self._walks[key] = Walk(self.network, end, axis, pieces)
        return self._walks[key]

    def pieces(self, begin: int, end: int, rows: int, columns: int) -> Pieces | None:
        """Return the pieces of a region; None where it cannot be cut like that."""
        walks = [self.walk(end, axis, count) for axis, count in enumerate((rows, columns))]
        if not all(walk.reaches(begin) for walk in walks):
            return None
        pieces = Pieces(self.network, begin, *walks)
        return pieces if self._is_plain(pieces) else None

    def _is_plain(self, pieces: Pieces) -> bool:
        """Return whether what enters and leaves a region has buffers of its own.

        A view of something else would live and die with that; no network has needed it yet.
        """
        key = pieces.begin, pieces.end
        if key not in self._checked:
            sharing, tensors = self.network.sharing, self.network.graph.tensors
            buffers = [sharing.buffer_of.get(t) for t in (*pieces.entries, *pieces.exits)]
            self._checked[key] = (
                None not in buffers
                and len(set(buffers)) == len(buffers)
                and all(
                    sharing.raw_sizes[b] == tensors[t].size
                    for b, t in zip(buffers, (*pieces.entries, *pieces.exits), strict=True)
                    if b is not None
                )
            )
        return self._checked[key]

    def macs(self, begin: int, end: int, rows: int, columns: int) -> int:
        """Return the multiplications and additions of a region beyond those of the source.

        The region has to be one that can be cut like that; sums of later begins are kept.
        """
        known = self._macs.setdefault((end, rows, columns), [0])
        heights, widths = self.walk(end, 0, rows), self.walk(end, 1, columns)
        while len(known) <= end - begin:
            p = end - len(known)
            known.append(known[-1] + self._extra(p, heights, widths))
        return known[end - begin]

    def _extra(self, position: int, heights: Walk, widths: Walk) -> int:
        spatial = self.network.spatial[position]
        if spatial is None or not spatial.macs:
            return 0
        whole = self.network.graph.tensors[counted(self.network.operator(position), spatial)]
        height, width = (whole.shape[axis] for axis in spatial.axes)
        rows, columns = (sum(_lengths(walk, position, spatial.macs_of)) for walk in (heights, widths))
        return (rows * columns - height * width) * (whole.elements // (height * width)) * spatial.macs

    def least(self, begin: int, end: int, rows: int, columns: int) -> int:
        """Return bytes that the first piece of a region needs at least, beside what lives before the region.

        One operator at a time: what it cuts or reads of the piece, and what it makes unless it may overwrite.
        What enters is still whole then, unless all its cuts were made before the first piece.
        """
        known = self._least.setdefault((end, rows, columns), [0])
        while len(known) <= end - begin:
            p = end - len(known)
            known.append(max(known[-1], self._needed(p, end, rows, columns)))
        return known[end - begin]

    def at_once(self, begin: int, end: int, rows: int, columns: int) -> int | None:
        """Return bytes that all cuts of something that ends in a region need at least, beside that itself.

        None where nothing ends there: then nothing can be cut before the first piece.
        """
        network = self.network
        heights, widths = self.walk(end, 0, rows), self.walk(end, 1, columns)
        found: dict[int, int] = {}
        for p in range(begin, end):
            inputs = network.operator(p).inputs
            for k, t in enumerate(inputs):
                if t is None or network.maker.get(t, -1) >= begin or network.last_use.get(t, end) >= end:
                    continue
                spatial = network.spatial[p]
                assert spatial is not None, "a walk went through it"
                tall, wide = (_lengths(walk, p, k) for walk in (heights, widths))
                whole = network.graph.tensors[t]
                pixels = whole.shape[spatial.axes[0]] * whole.shape[spatial.axes[1]]
                # Pieces that read the same may share one cut: what one operator reads is cut in any case.
                found[t] = max(found.get(t, 0), sum(tall) * sum(wide) * whole.size // pixels)
        return min(found.values(), default=None)

    def _needed(self, position: int, end: int, rows: int, columns: int) -> int:
        network = self.network
        spatial, op = network.spatial[position], network.operator(position)
        assert spatial is not None, "a walk went through it"
        heights = self.walk(end, 0, rows).cuts[position][0]
        widths = self.walk(end, 1, columns).cuts[position][0]
        parts: dict[tuple[int, Box], None] = {}
        for t, height, width in zip(op.inputs, heights.given, widths.given, strict=True):
            if t is None or height is None or width is None:
                continue
            shape = network.graph.tensors[t].shape
            if (height.length, width.length) != (shape[spatial.axes[0]], shape[spatial.axes[1]]):
                parts[t, (height, width)] = None
        if kind_name(op.kind, op.domain) not in network.rules.target.overwrite:
            parts |= {(t, (heights.made, widths.made)): None for t in op.makes}
        return sum(_bytes(network, Part(t, box, spatial.axes)) for t, box in parts)

    def kept(self, pieces: Pieces, rows: int, columns: int) -> int:
        """Return bytes that the runtime keeps for good for a region beyond those for the source.

        When the cuts are made is of no account.
        """
        joins = len(pieces.exits) * ((rows > 1) + (rows if columns > 1 else 0))
        made = sum(self.known.kept(pieces, row, column) for row in range(rows) for column in range(columns))
        network = self.network
        return made + joins * network.rules.upkeep.join - network.kept(pieces.begin, pieces.end)

    def kept_at_least(self, begin: int, end: int, pieces: int) -> int:
        """Return bytes that the runtime keeps at least for a region beyond those for the source.

        All operators once per piece, and what puts the pieces together; what cuts and pads comes on top.
        """
        return (pieces - 1) * self.network.kept(begin, end) + self.network.rules.upkeep.join

    def keeps_bits(self, begin: int, end: int, rows: int, columns: int) -> bool:
        """Return whether all operators of a region round as they do in the whole."""
        key = end, rows, columns
        first, broken = self._kept.get(key, (end, False))
        heights, widths = self.walk(end, 0, rows), self.walk(end, 1, columns)
        while first > begin and not broken:
            broken = not self._is_kept(first - 1, heights, widths)
            first -= not broken
        self._kept[key] = first, broken
        return first <= begin

    def _is_kept(self, position: int, heights: Walk, widths: Walk) -> bool:
        spatial, op = self.network.spatial[position], self.network.operator(position)
        if spatial is None or spatial.bits is None:
            return True
        rule = spatial.bits
        by_input = isinstance(rule, Summation) and rule.by_input
        judged = op.inputs[0] if by_input else op.makes[0]
        assert judged is not None, "a convolution reads an image"
        shape = self.network.graph.tensors[judged].shape
        whole = shape[spatial.axes[0]], shape[spatial.axes[1]]
        rows, columns = (
            {read.length for cut in walk.cuts[position] if (read := cut.given[0]) is not None}
            if by_input
            else set(walk.lengths(position))
            for walk in (heights, widths)
        )
        return all(rule.is_kept((h, w), whole) for h in rows for w in columns)

    def cost(self, pieces: Pieces, rows: int, columns: int, early: int | None) -> Cost:
        """Return the cost of a region."""
        macs = self.macs(pieces.begin, pieces.end, rows, columns)
        peak = _Region(self.known, pieces, (rows, columns), early).run()
        return Cost(peak, macs, self.kept(pieces, rows, columns))


def cost(network: OrderedNetwork, region: TiledRegion) -> Cost | None:
    """Return what a region costs; None where it cannot be cut like that."""
    costing = Costing(network)
    pieces = costing.pieces(region.begin, region.end, region.rows, region.columns)
    if pieces is None:
        return None
    return costing.cost(pieces, region.rows, region.columns, region.early)


class _Region:
    """Runs through a region piece by piece, as its steps will be written."""

    def __init__(self, known: KnownPieces, pieces: Pieces, grid: tuple[int, int], early: int | None) -> None:
        network = known.network
        self.network, self.known, self.pieces, self.early = network, known, pieces, early
        self.rows, self.columns = grid
        size = network.size
        self.entered = {t: size(t) for t in pieces.entries}
        self.beside = network.stable[pieces.begin] - sum(self.entered.values())
        """Bytes of what lives through the region."""
        self.cut_early = () if early is None else pieces.cut_early(early, self.columns)
        self.alive = set(pieces.entries)
        self.peak = self.waiting = 0

    def run(self) -> int:
        """Return the most bytes in use while the region runs."""
        held = self.beside
        strips: list[list[int]] = [[] for _ in self.pieces.exits]
        for row in range(self.rows):
            made: list[list[int]] = [[] for _ in self.pieces.exits]
            index = row * self.columns - 1
            for index in range(row * self.columns, (row + 1) * self.columns):
                if index == self.early:
                    self._cut_early(held, index)
                piece = self._piece(index)
                self.waiting -= piece.early
                self.peak = max(self.peak, held + self.waiting + piece.running)
                held += sum(piece.shares)
                for shares, share in zip(made, piece.shares, strict=True):
                    shares.append(share)
            if index == self.rows * self.columns - 1:
                self.alive -= set(self.pieces.dying)
            held = self._join_row(held, row, made, strips)
        if self.rows > 1:
            for t, parts in zip(self.pieces.exits, strips, strict=True):
                held = self._join(held, parts, self.network.size(t))
        return self.peak

    def _join_row(self, held: int, row: int, made: list[list[int]], strips: list[list[int]]) -> int:
        for t, shares, strip in zip(self.pieces.exits, made, strips, strict=True):
            if self.columns == 1:
                strip.append(shares[0])
                continue
            whole = self.network.graph.tensors[t]
            height = self.pieces.share(t, row, 0)[0].length
            size = self.network.size(t)
            if self.rows > 1:
                all_rows = whole.shape[self.pieces.axes[0]]
                size = self.network.rules.rounded(
                    replace(whole, shape=(height, whole.elements // all_rows)).size
                )
            held = self._join(held, shares, size)
            strip.append(size)
        return held

    def _join(self, held: int, parts: list[int], size: int) -> int:
        """Return what is held after parts were put together."""
        scratch = self.network.rules.scratch_of_kind(self.network.rules.spelling.concat)
        alive = sum(self.entered[t] for t in self.alive)
        self.peak = max(self.peak, held + self.waiting + alive + size + scratch)
        return held + size - sum(parts)

    def _cut_early(self, held: int, first: int) -> None:
        """Make all cuts from a piece on of what can end there."""
        network, pieces = self.network, self.pieces
        scratch = network.rules.scratch_of_kind(network.rules.spelling.cut)
        cuts = [
            (t, _bytes(network, Part(t, box, pieces.axes)))
            for index in range(first, self.rows * self.columns)
            for t in self.cut_early
            for _, box in pieces.cuts_of(t, *divmod(index, self.columns))
        ]
        last = {t: i for i, (t, _) in enumerate(cuts)}
        alive = sum(self.entered[t] for t in self.alive)
        for i, (t, size) in enumerate(cuts):
            self.waiting += size
            self.peak = max(self.peak, held + self.waiting + alive + scratch)
            if last[t] == i:
                alive -= self.entered[t]
                self.alive.discard(t)

    def _piece(self, index: int) -> TilePiece:
        row, column = divmod(index, self.columns)
        is_last = index == self.rows * self.columns - 1
        is_cut = self.early is not None and index >= self.early
        at = Moment(row, column, frozenset(self.alive), is_last, self.cut_early if is_cut else ())
        return self.known.piece(self.pieces, at)


def _lengths(walk: Walk, position: int, number: int | None) -> Sequence[int]:
    """Return how much each piece has along an axis of what an operator makes, or of one of its inputs."""
    if number is None:
        return walk.lengths(position)
    given = (cut.given[number] for cut in walk.cuts[position])
    return [0 if read is None else read.length for read in given]


def _bytes(network: OrderedNetwork, part: Part) -> int:
    """Return the bytes of a part of a tensor, rounded up."""
    whole = network.graph.tensors[part.tensor]
    return network.rules.rounded(replace(whole, shape=part.shape(whole.shape)).size)
