"""The best ways to tile a model: searched, and written when they are asked for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

from hmcos.errors import OptionError
from hmcos.frontends.prepared import Prepared
from hmcos.graph.upkeep import NONE
from hmcos.graph.windows import Windows
from hmcos.limits import Limits, Watch
from hmcos.memory.target import Target
from hmcos.network.bodies import Accounting
from hmcos.network.lowering import Known, Network
from hmcos.network.opening import Opened
from hmcos.network.transforming import Source, Transformed, changed_as, numbers_in, tile_rules
from hmcos.network.why_untiled import Untiled, why_untiled
from hmcos.schedulers.simple.rpo import reverse_post_order
from hmcos.transforms.judging import Judged, left_whole
from hmcos.transforms.ordered_network import OrderedNetwork, Rules
from hmcos.transforms.tiling import Tiling, best_tilings, is_cut_short
from hmcos.transforms.tiling_total import least_totals

UNFINISHED = "no tiling was found before the limits were reached"
"""Why a model was not tiled where a longer search may find how."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A way to change a model, which is written only when it is asked for."""

    known: Known
    """The best order found while tilings were compared."""
    written: Callable[[], Transformed]

    @property
    def peak(self) -> int:
        """Bytes, in that order."""
        return self.known.schedule.peak


@dataclass(frozen=True, slots=True)
class Begun:
    """A model in the best order known, with which a search for tilings begins."""

    opened: Opened
    network: Network
    order: Sequence[int]
    """Operators of the network's problem."""


def tiled(
    begun: Begun,
    accounting: Accounting,
    tiling: Tiling,
    running: tuple[Limits, Watch],
    below: int | None = None,
) -> list[Candidate] | str:
    """Return the best ways to tile a model, the one that needs the least first, or why that is no use.

    Args:
        begun: the model in the best order known; that of the file and reverse post-order are begun with as
            well.
        accounting: how memory is counted.
        tiling: what is allowed.
        running: limits, and the watch that tells when they are reached.
        below: the bytes that have to be lowered; None for those of the model in the order given.

    Raises:
        OptionError: the source is a problem, or the target says that cuts are views.
        ModelError: models of this format, or this one, cannot be rewritten.
    """
    looked, (limits, watch) = _looked(begun, accounting), running
    judged = best_tilings(looked.networks, tiling, limits, watch)
    most, why = looked.source.given.profile.peak if below is None else below, ""
    if not judged and is_cut_short(limits, watch):
        why = UNFINISHED
    elif not judged:
        search = Untiled(looked.source.begin, looked.networks[0], looked.windows, tiling, most)
        why = why_untiled(search, limits, watch)
    judged = judged or [left_whole(looked.networks[0])]
    wanted = [each for each in judged if each.peak < most or _fits(each, limits)]
    if not wanted:
        return why or "no tiling needs less than the model as it is"
    return [looked.candidate(each, accounting.target, why) for each in wanted]


@dataclass(frozen=True, slots=True)
class ByGoal:
    """The best ways to tile a model, by what they lower."""

    total: list[Candidate]
    """Those that need the least with all that the runtime keeps for operators, the best first."""
    peak: Candidate | None
    """One with a low peak, if there is any: what a short search found."""
    why: str
    """Why there is none of either kind; empty if there is one."""


def tiled_by_goal(
    begun: Begun, accounting: Accounting, tiling: Tiling, running: tuple[Limits, Watch], pointer_bytes: int
) -> ByGoal:
    """Return the best ways to tile a model for all that its runtime takes, where that is known.

    Args:
        begun: as for `tiled`.
        accounting: how memory is counted.
        tiling: what is allowed.
        running: limits, and the watch that tells when they are reached.
        pointer_bytes: of the processor.

    Raises:
        OptionError: the source is a problem, or the target says that cuts are views.
        ModelError: models of this format, or this one, cannot be rewritten.
    """
    looked, (limits, watch) = _looked(begun, accounting, pointer_bytes), running
    found, target, why = least_totals(looked.networks, tiling, limits, watch), accounting.target, ""
    if not found.best and found.lowest is None:
        search = Untiled(
            looked.source.begin,
            looked.networks[0],
            looked.windows,
            tiling,
            looked.source.given.profile.peak,
        )
        why = UNFINISHED if is_cut_short(limits, watch) else why_untiled(search, limits, watch)
    total = [looked.candidate(each, target) for each in found.best]
    if tiling.strip_quantize:
        total.append(looked.candidate(left_whole(looked.networks[0]), target, why or "no tiling needs less"))
    peak = None if found.lowest is None else looked.candidate(found.lowest, target)
    return ByGoal(total, peak, why)


@dataclass(frozen=True, slots=True)
class _Looked:
    """What a search for tilings of a model looks at."""

    opened: Opened
    source: Source
    windows: Windows
    networks: list[OrderedNetwork]
    """The model that a tiling begins with, along the best order known and others."""

    def candidate(self, judged: Judged, target: Target, why: str = "") -> Candidate:
        """Return a tiling as a way to change the model; `why` says why no region runs in pieces."""
        written = partial(changed_as, self.opened, self.source, judged, (target, why))
        return Candidate(Known(judged.problem, judged.schedule), written)


def _looked(begun: Begun, accounting: Accounting, pointer_bytes: int | None = None) -> _Looked:
    """Return what a search looks at; with the bytes of a pointer, what the runtime keeps for operators too.

    Raises:
        OptionError: the source is a problem, or the target says that cuts are views.
        ModelError: models of this format, or this one, cannot be rewritten.
    """
    opened, network, target = begun.opened, begun.network, accounting.target
    model, form = opened.model, opened.format
    if model is None or form is None:
        raise OptionError(f"{opened.source.name}: is a problem; only a model has a graph that can be tiled")
    begin, rules = form.prepared(model), tile_rules(form, accounting, model, network)
    problem = network.problem
    orders = (begun.order, range(problem.operators), reverse_post_order(problem))
    numbered = dict.fromkeys(tuple(network.numbers[i] for i in each) for each in orders)
    given = next(OrderedNetwork(model.graph, (), rules, each) for each in numbered)
    windows, rules = form.windows(begin.model, target), _renumbered(rules, begin)
    kept = None if pointer_bytes is None else form.upkeep(target, begin.model, pointer_bytes)
    rules = replace(rules, kernel=form.kernel(target, begin.model), upkeep=kept or NONE)
    left = dict.fromkeys(numbers_in(begin, each) for each in numbered)
    networks = [OrderedNetwork(begin.model.graph, windows, rules, each) for each in left]
    return _Looked(opened, Source(model, begin, given), windows, networks)


def _renumbered(rules: Rules, begin: Prepared) -> Rules:
    """Return rules with the bodies of a source where they are in the prepared model."""
    scratch = {new: rules.body_scratch[n] for n, new in begin.numbers.items() if n in rules.body_scratch}
    return replace(rules, body_scratch=scratch)


def _fits(judged: Judged, limits: Limits) -> bool:
    return limits.budget is not None and judged.peak <= limits.budget
