"""A source changed into a model that needs less: found, and made again from a plan."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from hmcos.errors import OptionError, PlanError
from hmcos.frontends.format import Format
from hmcos.frontends.model import Model
from hmcos.frontends.prepared import Prepared
from hmcos.graph.graph import Graph
from hmcos.memory.target import Target, parse_target
from hmcos.network.bodies import Accounting
from hmcos.network.lowering import Network
from hmcos.network.opening import Opened
from hmcos.network.scratch_names import translated, translated_back, unnamed
from hmcos.network.stripping import Stripped, ends_of, stripped
from hmcos.plan.plan import Plan
from hmcos.plan.rewriting import RegionRow, Rewriting
from hmcos.transforms.cost import Costing
from hmcos.transforms.judging import Judged
from hmcos.transforms.ordered_network import OrderedNetwork, Rules, along
from hmcos.transforms.tile import TiledRegion, expand


@dataclass(frozen=True, slots=True)
class Transformed:
    """A model that was changed."""

    opened: Opened
    """As the source, with the changed model."""
    rewriting: Rewriting
    target: Target
    """That was asked for, with the scratch of the operators of the changed model."""
    untiled: str = ""
    """Why no region of it runs in pieces; empty where one does."""

    @property
    def operators(self) -> int:
        """The number of operators of the changed model."""
        assert self.opened.model is not None, "only models are tiled"
        return len(self.opened.model.graph.operators)


def changed_as(opened: Opened, source: Source, judged: Judged, asked: tuple[Target, str]) -> Transformed:
    """Return a model changed as a tiling says; `asked` are the target, and why there is no tiling."""
    target, why = asked
    assert opened.format is not None, "only models are tiled"
    begin = source.begin.model
    changed = opened.format.rewritten(begin, judged.rewrite)
    rewriting = _rewriting(source, changed, judged)
    named = translated(target, begin.graph, changed.graph, judged.rewrite)
    return Transformed(_with(opened, changed), rewriting, named, why)


def transformed(opened: Opened, plan: Plan) -> Opened:
    """Return the source of a plan as the plan's operators number it: changed where the plan says so.

    Raises:
        PlanError: the source cannot be changed as the plan says, or gives another model.
        ModelError: models of this format cannot be rewritten.
    """
    rewriting, name = plan.rewriting, opened.source.name
    if rewriting is None:
        return opened
    if opened.model is None or opened.format is None:
        raise PlanError(f"{name}: is a problem, but the plan is for a model that was changed")
    if rewriting.stripped and rewriting.stripped != ends_of(opened):
        raise PlanError(f"{name}: rewriting.stripped: are not the float ends of the model; {_AGAIN}")
    bare = stripped(opened, rewriting.stripped)
    target = parse_target(plan.target.name, plan.target.data, "the plan's target")
    changed, found = _again(bare, Accounting(target, plan.target), rewriting)
    if changed.sha256 != rewriting.sha256:
        raise PlanError(f"{name}: changed as the plan says, it is not the model of the plan; {_AGAIN}")
    has_bodies = any(op.bodies for op in opened.model.graph.operators)
    _check_figures(name, rewriting, found, peak=not has_bodies)
    return _with(opened, changed)


def _again(bare: Stripped, accounting: Accounting, claimed: Rewriting) -> tuple[Model, Rewriting]:
    """Return a model tiled as a rewriting says, and all of the rewriting that can be counted.

    The accounting is that of the tiled model, by the names of which its target gives scratch to operators.
    """
    model, form, name = bare.opened.model, bare.opened.format, bare.opened.source.name
    assert model is not None, "only models are changed"
    assert form is not None, "every model has a format"
    begin, regions = form.prepared(model), _regions(claimed)
    if sorted(claimed.order) != [bare.numbers[begin.kept[n]] for n in _scheduled(begin.model.graph)]:
        raise PlanError(f"{name}: the plan tiles an order of other operators; {_AGAIN}")
    places = {number: i for i, number in enumerate(bare.numbers)}
    order = numbers_in(begin, [places[number] for number in claimed.order])
    _check_runs(name, begin, order)
    graph, windows = begin.model.graph, form.windows(begin.model, accounting.target)
    rules = tile_rules(form, replace(accounting, target=unnamed(accounting.target)), begin.model)
    network = OrderedNetwork(graph, windows, rules, order)
    _costing(name, network, regions)
    rewrite = expand(network, regions)
    changed = form.rewritten(begin.model, rewrite)
    target = translated_back(accounting.target, graph, changed.graph, rewrite)
    named = replace(accounting, target=form.target(target, begin.model))
    costing = _costing(name, replace(network, rules=tile_rules(form, named, begin.model)), regions)
    named = replace(accounting, target=form.target(target, model))
    whole = along(model.graph, (), tile_rules(form, named, model))
    found = _figures(costing, Source(model, begin, whole), changed, regions)
    if not bare.ends:
        return changed, found
    named = replace(accounting, target=form.target(bare.target_of_source(target), bare.model))
    peak = along(bare.model.graph, (), tile_rules(form, named, bare.model)).profile.peak
    return changed, of_source(found, bare, peak, found.peak_best_order)


def _check_runs(name: str, begin: Prepared, order: Sequence[int]) -> None:
    """Check that an order of scheduled operators can run.

    Raises:
        PlanError: an operator reads what another one makes only later.
    """
    graph = begin.model.graph
    made = {t for op in graph.operators if graph.computes_parameters(op) for t in op.makes}
    made |= {t for t, tensor in enumerate(graph.tensors) if tensor.is_parameter} | {*graph.inputs}
    for op in (graph.operators[number] for number in order):
        if not made.issuperset(op.reads):
            title = replace(op, number=begin.kept[op.number]).title
            raise PlanError(f"{name}: rewriting.order: {title} comes before what it reads; {_AGAIN}")
        made.update(op.makes)


def of_source(found: Rewriting, bare: Stripped, peak: int, best: int) -> Rewriting:
    """Return what is changed of a source, from what is changed of it without its ends.

    The peaks in bytes are those of the source, in its own order and in the best one.
    """
    numbers = bare.numbers
    return replace(
        found,
        stripped=bare.ends,
        order=tuple(numbers[number] for number in found.order),
        folds=tuple(numbers[number] for number in found.folds),
        peak_before=peak,
        peak_best_order=best,
        operators_before=len(bare.model.graph.operators),
        bytes_before=bare.model.file_bytes,
    )


def _regions(rewriting: Rewriting) -> list[TiledRegion]:
    return [TiledRegion(row.begin, row.end, row.rows, row.columns, row.early) for row in rewriting.regions]


def _check_figures(name: str, claimed: Rewriting, found: Rewriting, *, peak: bool) -> None:
    """Compare what a plan says of a tiling with what it is; peaks only where no body has to be searched."""
    counted = ["macs", "extra_macs", "operators_before", "bytes_before", "bytes_after"]
    counted += ["new_kinds", "folds", "fixed", "is_exact"]
    counted += ["peak_before"] if peak else []
    for field in counted:
        says, is_ = getattr(claimed, field), getattr(found, field)
        if says != is_:
            words = f"is {says} in the plan, but {is_} by counting"
            key = field.removeprefix("is_").removesuffix("_after")
            raise PlanError(f"{name}: rewriting.{key}: {words}; {_AGAIN}")


_AGAIN = "run hmcos schedule --tile on the model again"


def _with(opened: Opened, changed: Model) -> Opened:
    assert opened.model is not None, "only models are changed"
    return replace(opened, model=replace(changed, origin=opened.model.origin or opened.model))


def tile_rules(form: Format, accounting: Accounting, model: Model, network: Network | None = None) -> Rules:
    """Return how pieces of a model are counted.

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
        form.kernel(accounting.target, model),
        accounting.used.external_io,
        scratch,
    )


@dataclass(frozen=True, slots=True)
class Source:
    """A source, what a tiling begins with instead of it, and the source along an order."""

    model: Model
    begin: Prepared
    given: OrderedNetwork


def _scheduled(graph: Graph) -> list[int]:
    return [op.number for op in graph.operators if not graph.computes_parameters(op)]


def numbers_in(begin: Prepared, order: Sequence[int]) -> tuple[int, ...]:
    """Return an order of operators of the source as one of those of them that are still scheduled.

    Some are gone, and others compute parameters now.
    """
    left = {begin.kept[number]: number for number in _scheduled(begin.model.graph)}
    return tuple(left[n] for n in order if n in left)


def _rewriting(source: Source, changed: Model, judged: Judged) -> Rewriting:
    regions = judged.found.regions
    costing = _walked(judged.network, regions)
    assert costing is not None, "the regions were found by cutting them"
    return _figures(costing, source, changed, regions)


def _costing(name: str, network: OrderedNetwork, regions: Sequence[TiledRegion]) -> Costing:
    """Return what prices the regions of a plan, walked through.

    Raises:
        PlanError: one of them cannot be cut like that.
    """
    costing = _walked(network, regions)
    if costing is None:
        raise PlanError(f"{name}: a region of the plan cannot be tiled; {_AGAIN}")
    return costing


def _walked(network: OrderedNetwork, regions: Sequence[TiledRegion]) -> Costing | None:
    """Return what prices regions, walked through; None where one of them cannot be cut like that."""
    costing = Costing(network)
    if any(costing.pieces(r.begin, r.end, r.rows, r.columns) is None for r in regions):
        return None
    return costing


def _figures(costing: Costing, source: Source, changed: Model, regions: Sequence[TiledRegion]) -> Rewriting:
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
        bytes_before=source.model.file_bytes,
        bytes_after=changed.file_bytes,
        new_kinds=tuple(sorted(_kinds(changed.graph) - _kinds(source.model.graph))),
        folds=tuple(sorted({op.number for op in operators}.difference(kept))),
        is_exact=all(costing.keeps_bits(r.begin, r.end, r.rows, r.columns) for r in regions),
        fixed={s: n for s, n in bind.items() if s not in source.begin.model.bind},
    )


def _kinds(graph: Graph) -> set[str]:
    return {op.kind for op in graph.operators}
