"""Why no tiling lowers the peak of a network, and which option would let one do so."""

from __future__ import annotations

from dataclasses import dataclass, replace

from hmcos.frontends.prepared import Prepared
from hmcos.graph.windows import Barrier, Windows
from hmcos.limits import Limits, Watch
from hmcos.transforms.choose import TilingSearch
from hmcos.transforms.cost import Costing
from hmcos.transforms.judging import GLANCE, judged
from hmcos.transforms.ordered_network import OrderedNetwork
from hmcos.transforms.tiling import Tiling

PART = 0.5
"""Part of the time left for a look at what other terms would give."""
MOST = 1.0
"""The largest part of extra arithmetic that is looked at."""


@dataclass(frozen=True, slots=True)
class Untiled:
    """A search that found no tiling."""

    begin: Prepared
    network: OrderedNetwork
    """In the best order known."""
    windows: Windows
    tiling: Tiling
    below: int
    """The bytes that had to be lowered."""


def why_untiled(search: Untiled, limits: Limits, watch: Watch) -> str:
    """Return why no tiling lowers the peak, in words.

    Other terms are named only where a tiling was found with them, within half of the time left.
    """
    network, begin = search.network, search.begin
    peak, step = network.profile.peak, network.profile.peak_step
    if step < 0 or network.stable[-1] == peak:
        return "the inputs and outputs alone need the peak"
    op = network.operator(step)
    found, title = search.windows[op.number], replace(op, number=begin.kept[op.number]).title
    if isinstance(found, Barrier):
        return f"{title}, at the peak, {found.reason}"
    if network.spatial[step] is None:
        return f"{title}, at the peak, has a rule in the target that is for all of it"
    share = search.tiling.max_extra_macs
    allowed = f"within {100 * share:.3g} % of extra MACs" if share else "without extra MACs"
    why = f"no tiling of {title}, at the peak, needs less {allowed}"
    return "; ".join([why, *_ways_out(search, limits, watch)])


def _ways_out(search: Untiled, limits: Limits, watch: Watch) -> list[str]:
    """Return what lowers the peak with one term loosened, or else with both, found by searches of their own.

    The cheapest tilings that need less are named; those options find better ones.
    """
    tiling = search.tiling
    rounding, macs = {"allow_rounding": True}, {"max_extra_macs": max(tiling.max_extra_macs, MOST)}
    found: list[str] = []
    for looser in (rounding, macs, rounding | macs):
        terms = replace(tiling, **looser)
        if terms == tiling or (found and looser == rounding | macs):
            continue
        cheapest = _cheapest(search, terms, limits, watch)
        if cheapest is None:
            continue
        share, peak = cheapest
        options = ["--allow-rounding"] if terms.allow_rounding else []
        options += [f"--max-extra-macs {share}%"] if share > 100 * tiling.max_extra_macs else []
        found.append(f"{' '.join(options)} finds one that needs {peak:,} bytes")
    return found


def _cheapest(search: Untiled, terms: Tiling, limits: Limits, watch: Watch) -> tuple[int, int] | None:
    """Return the whole percent of extra MACs, and the bytes, of the cheapest tiling that needs less."""
    network, seen = search.network, watch.restarted().silenced()
    within = replace(watch.left(limits).part(PART), budget=None)
    looked = TilingSearch(Costing(network), terms.terms(network), within, seen)
    found = looked.cheapest(search.below - 1)
    if found is None:
        return None
    tiled = judged(network, found, replace(within, states=min(GLANCE, within.states)), seen)
    if tiled.peak >= search.below:
        return None
    return -(-100 * found.macs // max(1, network.macs)), tiled.peak
