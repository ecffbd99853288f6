"""What the search for the least total finds is as it says, and nothing that it looks at needs less."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from random import Random

import pytest

from hmcos.graph.upkeep import Upkeep
from hmcos.limits import Limits, Watch
from hmcos.transforms.choose import TilingSearch
from hmcos.transforms.choose_total import TotalSearch
from hmcos.transforms.cost import Costing, cost
from hmcos.transforms.ordered_network import OrderedNetwork
from hmcos.transforms.region_grids import Terms
from hmcos.transforms.regions import Ends, early_cuts, grids
from hmcos.transforms.tile import TiledRegion
from hmcos.transforms.tiling import Tiling
from hmcos.transforms.tiling_total import least_totals
from property.tile_networks import ordered, predicted, random_model, random_regions

SHARES = (0.05, 0.5)


def network(seed: int, most_operators: int = 16) -> OrderedNetwork:
    """A network whose operators keep as many bytes as a few pixels have, up to as many as an image."""
    rng = Random(seed)
    found = ordered(random_model(rng, rng.randint(4, most_operators)), rng)
    most = rng.choice((16, 64, 512))
    each = tuple(rng.randint(0, most) for _ in found.graph.operators)
    upkeep = Upkeep(each, rng.randint(0, most), rng.randint(0, most), rng.randint(0, most))
    return replace(found, rules=replace(found.rules, upkeep=upkeep))


@pytest.mark.parametrize("seed", range(25))
def test_what_is_found_is_as_it_says(seed: int) -> None:
    along = network(seed)
    for share in SHARES:
        terms = Terms(int(along.macs * share), at_once=True)
        found = list(TotalSearch(Costing(along), terms, Limits(), Watch()).frontier(0.2))
        assert found == list(TotalSearch(Costing(along), terms, Limits(), Watch()).frontier(0.2))
        peaks = [each.peak for each in found]
        assert peaks == sorted(set(peaks), reverse=True)
        for each in found:
            costs = [cost(along, region) for region in each.regions]
            assert each.peak == predicted(along, each.regions)
            assert each.kept == sum(known.kept for known in costs if known is not None)
            assert each.macs == sum(known.macs for known in costs if known is not None) <= terms.macs


def singles(along: OrderedNetwork, macs: int) -> Iterator[int]:
    """Yield the totals of all tilings of one region in at most 8 pieces that the search looks at."""
    ends = Ends(along)
    costing = Costing(along)
    for begin in ends.begins:
        for end in ends.after(begin, begin):
            for rows, columns in grids(along.rules.spelling.most_parts):
                if rows * columns > 8 or costing.pieces(begin, end, rows, columns) is None:
                    continue
                if not costing.keeps_bits(begin, end, rows, columns):
                    continue
                for early in early_cuts(rows * columns, at_once=True):
                    region = TiledRegion(begin, end, rows, columns, early)
                    known = cost(along, region)
                    if known is not None and known.macs <= macs:
                        yield predicted(along, [region]) + known.kept


@pytest.mark.parametrize("seed", range(25))
def test_no_tiling_of_one_region_needs_less(seed: int) -> None:
    along = network(seed, 8)
    macs = int(along.macs * 0.5)
    found = TotalSearch(Costing(along), Terms(macs, at_once=True), Limits(), Watch()).frontier()
    least = min((each.total for each in found), default=along.profile.peak)
    assert least <= min((along.profile.peak, *singles(along, macs)))


@pytest.mark.parametrize("seed", range(25))
def test_a_bound_of_the_peak_leaves_out_nothing(seed: int) -> None:
    """The least peak of all tilings, which another search proves, ends this one earlier."""
    along = network(seed)
    terms = Terms(int(along.macs * 0.5), at_once=True)
    lowest = list(TilingSearch(Costing(along), terms, Limits(), Watch()).thresholds())
    plain, bounded = (TotalSearch(Costing(along), terms, Limits(), Watch()) for _ in range(2))
    bounded.floor = lowest[-1].peak if lowest else along.profile.peak
    least = [min((each.total for each in search.frontier()), default=None) for search in (plain, bounded)]
    assert least[0] == least[1]


@pytest.mark.parametrize("seed", range(25))
def test_no_region_keeps_less_than_its_operators_alone(seed: int) -> None:
    along = network(seed)
    costing = Costing(along)
    assert costing.network.kept(0, len(along)) == sum(map(along.rules.upkeep.of_source, along.order))
    for r in random_regions(along, Random(seed), rounding=True):
        found = cost(along, r)
        assert found is not None
        assert costing.pieces(r.begin, r.end, r.rows, r.columns) is not None
        assert costing.kept_at_least(r.begin, r.end, r.pieces) <= found.kept


@pytest.mark.parametrize("seed", range(10))
def test_the_best_ones_are_ranked_and_need_less_than_the_network(seed: int) -> None:
    along = network(seed)
    found = least_totals([along], Tiling(0.5), Limits(states=500), Watch())
    totals = [each.total for each in found.best]
    assert totals == sorted(totals)
    assert all(total < along.profile.peak for total in totals)
    if found.lowest is not None:
        assert found.lowest.peak < along.profile.peak
    elif along.profile.peak:
        assert not found.best
