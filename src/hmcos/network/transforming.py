"""A source changed into a model that needs less: found, and made again from a plan."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from hmcos.errors import OptionError, PlanError
from hmcos.frontends.format import Format
from hmcos.frontends.model import Model
from hmcos.frontends.prepared import Prepared
from hmcos.graph.graph import Graph
from hmcos.graph.windows import Barrier, Windows
from hmcos.limits import Limits, Watch
from hmcos.memory.target import parse_target
from hmcos.network.bodies import Accounting
from hmcos.network.lowering import Network
from hmcos.network.opening import Opened
from hmcos.plan.plan import Plan
from hmcos.plan.rewriting import RegionRow, Rewriting
from hmcos.schedulers.simple.rpo import reverse_post_order
from hmcos.transforms.cost import Costing
from hmcos.transforms.ordered_network import OrderedNetwork, Rules
from hmcos.transforms.tile import TiledRegion, expand
from hmcos.transforms.tiling import Judged, Tiling, best_tiling, left_whole


@dataclass(frozen=True, slots=True)
class Transformed:
    """A source that was tiled."""

    opened: Opened
    """As the source, with the changed model."""
    rewriting: Rewriting
    peak: int
    """Bytes, in the best order found while tilings were compared."""

    @property
    def operators(self) -> int:
        """The number of operators of the changed model."""
        assert self.opened.model is not None, "only models are tiled"
        return len(self.opened.model.graph.operators)


def tiled(
    opened: Opened,
    network: Network,
    accounting: Accounting,
    order: Sequence[int],
    tiling: Tiling,
    running: tuple[Limits, Watch],
) -> Transformed | str:
    """Return a source tiled, or why that does not lower its peak.

    Args:
        opened: the source, a model.
        network: the source, lowered.
        accounting: how memory is counted.
        order: operators of the problem in the best order known; that of the file and reverse post-order are
            begun with as well.
        tiling: what is allowed.
        running: limits, and the watch that tells when they are reached.

    Raises:
        OptionError: the source is a problem, or the target says that cuts are views.
        ModelError: models of this format, or this one, cannot be rewritten.
    """
    model, form = opened.model, opened.format
    if model is None or form is None:
        raise OptionError(f"{opened.source.name}: is a problem; only a model has a graph that can be tiled")
    begin, rules = form.prepared(model), _rules(form, accounting, network)
    problem = network.problem
    begun = (order, range(problem.operators), reverse_post_order(problem))
    numbered = dict.fromkeys(tuple(network.numbers[i] for i in each) for each in begun)
    given = next(OrderedNetwork(model.graph, (), rules, each) for each in numbered)
    windows, rules = form.windows(begin.model, accounting.target), _renumbered(rules, begin)
    kept = dict.fromkeys(_numbers_in(begin, each) for each in numbered)
    networks = [OrderedNetwork(begin.model.graph, windows, rules, each) for each in kept]
    judged = best_tiling(networks, tiling, *running)
    if judged is None and networks[0].profile.peak >= given.profile.peak:
        return _why_not(begin, networks[0], windows, tiling)
    judged = judged or left_whole(networks[0])
    changed = form.rewritten(begin.model, judged.rewrite)
    rewriting = _rewriting(_Source(model, begin, given), changed, judged, tiling)
    return Transformed(_with(opened, changed), rewriting, judged.peak)


def transformed(opened: Opened, plan: Plan) -> Opened:
    """Return the source of a plan as the plan's operators number it: tiled where the plan says so.

    Raises:
        PlanError: the source cannot be tiled as the plan says, or gives another model.
        ModelError: models of this format cannot be rewritten.
    """
    rewriting, model, form = plan.rewriting, opened.model, opened.format
    if rewriting is None:
        return opened
    if model is None or form is None:
        raise PlanError(f"{opened.source.name}: is a problem, but the plan is for a model that was tiled")
    target = parse_target(plan.target.name, plan.target.data, "the plan's target")
    accounting = Accounting(target, plan.target)
    rules, begin = _rules(form, accounting, None), form.prepared(model)
    if sorted(rewriting.order) != [begin.kept[n] for n in _scheduled(begin.model.graph)]:
        raise PlanError(f"{opened.source.name}: the plan tiles an order of other operators; {_AGAIN}")
    order = _numbers_in(begin, rewriting.order)
    network = OrderedNetwork(begin.model.graph, form.windows(begin.model, target), rules, order)
    regions = [TiledRegion(row.begin, row.end, row.rows, row.columns, row.early) for row in rewriting.regions]
    costing = _costing(network, regions)
    if costing is None:
        raise PlanError(f"{opened.source.name}: a region of the plan cannot be tiled; {_AGAIN}")
    changed = form.rewritten(begin.model, expand(network, regions))
    if changed.sha256 != rewriting.sha256:
        raise PlanError(
            f"{opened.source.name}: tiled as the plan says, it is not the model of the plan; {_AGAIN}"
        )
    whole = OrderedNetwork(model.graph, (), rules, tuple(_scheduled(model.graph)))
    found = _figures(costing, _Source(model, begin, whole), changed, regions)
    has_bodies = any(op.bodies for op in model.graph.operators)
    _check_figures(opened.source.name, rewriting, found, peak=not has_bodies)
    return _with(opened, changed)


def _check_figures(name: str, claimed: Rewriting, found: Rewriting, *, peak: bool) -> None:
    """Compare what a plan says of a tiling with what it is; peaks only where no body has to be searched."""
    counted = ["macs", "extra_macs", "operators_before", "new_kinds", "folds", "fixed"]
    counted += ["peak_before"] if peak else []
    for field in counted:
        says, is_ = getattr(claimed, field), getattr(found, field)
        if says != is_:
            words = f"is {says} in the plan, but {is_} by counting"
            raise PlanError(f"{name}: rewriting.{field}: {words}; {_AGAIN}")


_AGAIN = "run hmcos schedule --tile on the model again"


def _with(opened: Opened, changed: Model) -> Opened:
    return replace(opened, model=replace(changed, origin=opened.model))


def _rules(form: Format, accounting: Accounting, network: Network | None) -> Rules:
    """Return how pieces are counted.

    Raises:
        OptionError: the target says that what a rewrite adds costs nothing, which no runtime's does.
    """
    if form.spelling is None:
        raise OptionError(f"models of the format {form.name} cannot be tiled")
    views = [kind for kind in form.spelling.kinds() if kind in accounting.target.views]
    if views:
        raise OptionError(
            f"the target {accounting.target.name!r} says that {views[0]} is a view; tiling needs it to copy"
        )
    scratch = {} if network is None else dict(network.bodies.scratch)
    return Rules(
        accounting.target,
        accounting.alignment,
        form.spelling,
        form.kernel,
        accounting.used.external_io,
        scratch,
    )


@dataclass(frozen=True, slots=True)
class _Source:
    """A source, what a tiling begins with instead of it, and the source along an order."""

    model: Model
    begin: Prepared
    given: OrderedNetwork


def _scheduled(graph: Graph) -> list[int]:
    return [op.number for op in graph.operators if not graph.computes_parameters(op)]


def _numbers_in(begin: Prepared, order: Sequence[int]) -> tuple[int, ...]:
    """Return an order of operators of the source as one of those that are left of them."""
    numbers = begin.numbers
    return tuple(numbers[n] for n in order if n in numbers)


def _renumbered(rules: Rules, begin: Prepared) -> Rules:
    """Return rules with the bodies of a source where they are in the prepared model."""
    scratch = {new: rules.body_scratch[n] for n, new in begin.numbers.items() if n in rules.body_scratch}
    return replace(rules, body_scratch=scratch)


def _rewriting(source: _Source, changed: Model, judged: Judged, tiling: Tiling) -> Rewriting:
    regions = judged.found.regions
    costing = _costing(judged.network, regions)
    assert costing is not None, "the regions were found by cutting them"
    found = _figures(costing, source, changed, regions)
    exact = not tiling.allow_rounding or all(
        costing.keeps_bits(r.begin, r.end, r.rows, r.columns) for r in regions
    )
    return replace(found, peak_best_order=source.given.profile.peak, is_exact=exact)


def _costing(network: OrderedNetwork, regions: Sequence[TiledRegion]) -> Costing | None:
    """Return what prices regions, walked through; None where one of them cannot be cut like that."""
    costing = Costing(network)
    if any(costing.pieces(r.begin, r.end, r.rows, r.columns) is None for r in regions):
        return None
    return costing


def _figures(costing: Costing, source: _Source, changed: Model, regions: Sequence[TiledRegion]) -> Rewriting:
    """Return a tiling with all that can be counted of it."""
    network, given, kept = costing.network, source.given, source.begin.kept
    file_order = replace(given, order=tuple(sorted(given.order)))
    operators, bind = source.model.graph.operators, source.model.bind
    return Rewriting(
        order=tuple(kept[n] for n in network.order),
        regions=tuple(RegionRow(r.begin, r.end, r.rows, r.columns, r.early) for r in regions),
        sha256=changed.sha256,
        peak_before=file_order.profile.peak,
        peak_best_order=given.profile.peak,
        macs=network.macs,
        extra_macs=sum(costing.macs(r.begin, r.end, r.rows, r.columns) for r in regions),
        operators_before=len(operators),
        new_kinds=tuple(sorted(_kinds(changed.graph) - _kinds(source.model.graph))),
        folds=tuple(sorted({op.number for op in operators}.difference(kept))),
        fixed={s: n for s, n in bind.items() if s not in source.begin.model.bind},
    )


def _kinds(graph: Graph) -> set[str]:
    return {op.kind for op in graph.operators}


def _why_not(begin: Prepared, network: OrderedNetwork, windows: Windows, tiling: Tiling) -> str:
    """Return why no tiling lowers the peak, in words."""
    peak, step = network.profile.peak, network.profile.peak_step
    if step < 0 or network.stable[-1] == peak:
        return "the inputs and outputs alone need the peak"
    op = network.operator(step)
    found, title = windows[op.number], replace(op, number=begin.kept[op.number]).title
    if isinstance(found, Barrier):
        return f"{title}, at the peak, {found.reason}"
    return f"no tiling of {title}, at the peak, needs less within {tiling.max_extra_macs:.3g} of extra MACs"
