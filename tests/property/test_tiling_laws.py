"""Laws of tiling: what it costs is what is counted in the written graph, and the bits are the same."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hmcos.frontends.model import Model
from hmcos.frontends.onnx.format import ONNX
from hmcos.graph.windows import Interval, Linear, Nearest, Transposed, Window, same_pads
from hmcos.limits import Limits, Watch
from hmcos.transforms.boxes import Cut
from hmcos.transforms.choose import Found, Terms, TilingSearch
from hmcos.transforms.cost import Costing, cost
from hmcos.transforms.ordered_network import OrderedNetwork, along
from hmcos.transforms.tile import TiledRegion, expand
from property.kind_networks import kind_model
from property.tile_networks import (
    ordered,
    predicted,
    random_model,
    random_regions,
    recounted,
    shared_names,
    values,
    written,
)

SEEDS = range(80)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_cost_is_what_the_written_model_needs_and_the_bits_are_the_same(seed: int) -> None:
    rng = Random(seed)
    check_costs_and_bits(random_model(rng, rng.randint(3, 25)), rng, seed)


@pytest.mark.parametrize("seed", range(60))
def test_the_same_holds_for_every_kind_and_element(seed: int) -> None:
    check_costs_and_bits(kind_model(seed), Random(seed), seed)


def check_costs_and_bits(model: Model, rng: Random, seed: int) -> None:
    """Check that a random tiling needs what was counted before it was written, and computes the same bits."""
    network = ordered(model, rng)
    regions = random_regions(network, rng)
    graph, tiled = written(network, model, regions)
    costs = [found for region in regions if (found := cost(network, region)) is not None]
    assert predicted(network, regions) == recounted(network, graph) == recounted(network, tiled.graph)
    more = len(tiled.graph.operators) - len(model.graph.operators)
    assert sum(found.kept for found in costs) == more
    counted = along(tiled.graph, ONNX.windows(tiled), network.rules).macs
    assert sum(found.macs for found in costs) == counted - network.macs
    names = shared_names(model, tiled)
    for name, before, after in zip(
        names, values(model, names, seed), values(tiled, names, seed), strict=True
    ):
        assert np.array_equal(before, after, equal_nan=before.dtype.kind == "f"), name


@pytest.mark.parametrize("seed", range(60))
def test_no_region_needs_less_than_its_first_piece(seed: int) -> None:
    rng = Random(seed)
    network = ordered(random_model(rng, 15), rng)
    costing = Costing(network)
    for region in random_regions(network, rng, rounding=True):
        at = region.begin, region.end, region.rows, region.columns
        found = cost(network, region)
        assert found is not None
        assert costing.pieces(*at) is not None
        assert network.stable[region.begin] + costing.least(*at) <= found.peak


@pytest.mark.parametrize("seed", range(40))
def test_pieces_partition_what_leaves_and_read_what_there_is(seed: int) -> None:
    rng = Random(seed)
    network = ordered(random_model(rng, 15), rng)
    costing = Costing(network)
    for region in random_regions(network, rng, rounding=True):
        pieces = costing.pieces(region.begin, region.end, region.rows, region.columns)
        assert pieces is not None
        for axis, walk in enumerate(pieces.walks):
            for t in pieces.exits:
                shares = walk.shares[t]
                assert shares[0].begin == 0
                assert all(a.end == b.begin for a, b in pairwise(shares))
                assert shares[-1].end == network.graph.tensors[t].shape[pieces.axes[axis]]
            for p in range(region.begin, region.end):
                check_cuts(network, p, axis, walk.cuts[p])


def check_cuts(network: OrderedNetwork, position: int, axis: int, cuts: Sequence[Cut]) -> None:
    """Boxes lie in the tensor; box and padding together are the interval of the window."""
    spatial, op = network.spatial[position], network.operator(position)
    assert spatial is not None
    for cut in cuts:
        for k, (maps, given_box) in enumerate(zip(spatial.inputs, cut.given, strict=True)):
            t = op.inputs[k]
            if maps is None or given_box is None or t is None:
                continue
            size = network.graph.tensors[t].shape[spatial.axes[axis]]
            assert 0 <= given_box.begin < given_box.end <= size
            if k == 0 and not isinstance(maps[axis], Transposed):
                wide = Interval(given_box.begin - cut.pads[0], given_box.end + cut.pads[1])
                assert wide == maps[axis].needed(cut.made)


def search(network: OrderedNetwork, macs: int) -> Found | None:
    found = list(TilingSearch(Costing(network), Terms(macs), Limits(), Watch()).thresholds())
    peaks = [each.peak for each in found]
    assert peaks == sorted(set(peaks), reverse=True)
    return found[-1] if found else None


@pytest.mark.parametrize("seed", range(12))
def test_what_the_search_finds_is_as_it_says_and_more_budget_never_gives_less(seed: int) -> None:
    rng = Random(seed)
    model = random_model(rng, 18)
    network = ordered(model, rng)
    peaks: list[int] = []
    for share in (0.0, 0.05, 0.3, 2.0):
        found = search(network, int(network.macs * share))
        assert found == search(network, int(network.macs * share))
        peaks.append(network.profile.peak if found is None else found.peak)
        if found is None:
            continue
        assert found.peak < network.profile.peak
        assert found.macs <= network.macs * share
        assert sum(c.macs for r in found.regions if (c := cost(network, r))) == found.macs
        assert predicted(network, found.regions) == found.peak
        graph, _ = written(network, model, found.regions)
        assert recounted(network, graph) == found.peak
    assert peaks == sorted(peaks, reverse=True)


def exhaustive(network: OrderedNetwork, macs: int) -> int:
    """The least peak with one region of two or three rows, early cuts or not."""
    costing, best = Costing(network), network.profile.peak
    for begin in range(len(network)):
        for end in range(begin + 1, len(network) + 1):
            for rows in (2, 3):
                pieces = costing.pieces(begin, end, rows, 1)
                if pieces is None or not costing.keeps_bits(begin, end, rows, 1):
                    continue
                for early in (None, *range(1, rows)):
                    region = TiledRegion(begin, end, rows, 1, early)
                    found = cost(network, region)
                    if found is not None and found.macs <= macs:
                        best = min(best, predicted(network, [region]))
    return best


def test_one_region_is_rarely_missed() -> None:
    worse = 0
    for seed in range(20):
        rng = Random(1000 + seed)
        network = ordered(random_model(rng, 10), rng)
        found = search(network, network.macs // 4)
        reached = network.profile.peak if found is None else found.peak
        worse += reached > exhaustive(network, network.macs // 4)
    assert worse <= 2


@given(st.integers(1, 5), st.integers(1, 3), st.integers(1, 2), st.integers(0, 4), st.integers(5, 40))
def test_a_window_needs_what_a_sliding_window_reads(k: int, s: int, d: int, pad: int, size: int) -> None:
    window = Window(k, s, d, pad)
    made = (size + 2 * pad - (k - 1) * d - 1) // s + 1
    for a in range(max(0, made - 1)):
        read = {o * s - pad + i * d for o in range(a, made) for i in range(k)}
        needed = window.needed(Interval(a, made))
        assert (needed.begin, needed.end) == (min(read), max(read) + 1)


@given(st.integers(1, 4), st.integers(1, 3), st.integers(1, 2), st.integers(0, 3), st.integers(1, 12))
def test_a_transposed_window_needs_all_inputs_that_reach(k: int, s: int, d: int, pad: int, size: int) -> None:
    along_axis = Transposed(k, s, d, pad)
    made = (size - 1) * s + (k - 1) * d + 1 - pad
    for a in range(made):
        needed = along_axis.needed(Interval(a, a + 1)).within(size)
        reaching = {i for i in range(size) for j in range(k) if i * s + j * d - pad == a}
        assert reaching <= set(range(needed.begin, needed.end))


@given(st.integers(2, 6), st.integers(1, 12), st.data())
def test_repeated_outputs_come_in_whole_repetitions(factor: int, size: int, data: st.DataObject) -> None:
    a = data.draw(st.integers(0, factor * size - 1))
    b = data.draw(st.integers(a + 1, factor * size))
    for found in (Nearest(factor), Linear(2 ** (factor // 2))):
        whole = size * found.factor
        wanted = Interval(min(a, whole - 1), min(max(b, min(a, whole - 1) + 1), whole))
        made = found.made(wanted, whole)
        assert made.begin <= wanted.begin < wanted.end <= made.end <= whole
        assert made.begin % found.factor == made.end % found.factor == 0
        assert found.needed(made) == Interval(made.begin // found.factor, made.end // found.factor)


@given(st.integers(1, 30), st.integers(1, 5), st.integers(1, 4), st.integers(1, 2))
def test_same_padding_makes_as_many_outputs_as_strides_begin(size: int, k: int, s: int, d: int) -> None:
    before, behind = same_pads(size, Window(k, s, d))
    assert 0 <= behind - before <= 1
    reach = (k - 1) * d + 1
    if before + behind:
        assert (size + before + behind - reach) // s + 1 == -(-size // s)


def test_a_rewrite_of_nothing_is_the_graph_itself() -> None:
    rng = Random(3)
    model = random_model(rng, 12)
    network = along(model.graph, ONNX.windows(model), ordered(model, rng).rules)
    assert expand(network, []).parts == ()
    graph, tiled = written(network, model, [])
    assert graph.operators == model.graph.operators == tiled.graph.operators
