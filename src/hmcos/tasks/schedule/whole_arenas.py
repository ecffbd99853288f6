"""The whole arena of a model in TensorFlow Lite for Microcontrollers (TFLM), before and after planning."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from hmcos.errors import ModelError, NotRunError, OptionError
from hmcos.frontends.format import OffsetsInFiles
from hmcos.frontends.kernel_table import DEFAULT
from hmcos.graph.graph import Graph
from hmcos.limits import Watch
from hmcos.log import Log
from hmcos.network.opening import Opened
from hmcos.plan.plan import Plan
from hmcos.plan.whole_arena import WholeArena, WholeArenas
from hmcos.processes import Allowance
from hmcos.schedulers.scheduler import conclude
from hmcos.tasks.request import Request, WholeArenaRequest
from hmcos.tasks.schedule.placement import reserving
from hmcos.tasks.schedule.solved import Solved
from hmcos.tasks.schedule.solving import solve
from hmcos.tasks.schedule.written_offsets import fit_offsets, tensor_offsets

_LOG = Log("hmcos.schedule")
_LONGEST = 60
"""Seconds that measuring may take if the search has no limit."""
_AT_LEAST = 2.0
"""Seconds that it may always take: starting the runtime takes one."""
_ORDER = 0.3
"""Part of the time left for the best order of a source that was tiled."""
_POINTER = 8
"""Bytes; the head does not depend on it."""
Form = tuple[str, bytes, Graph]
"""The name of a form of a model, its file and its graph."""


@dataclass(frozen=True, slots=True)
class Stated:
    """The whole arenas of forms of a model."""

    arenas: dict[str, WholeArena]
    """By the name of the form; without those that TFLM refuses."""
    measured: bool
    note: str = ""
    """Why they were not measured although TFLM is here; empty if there is no such reason."""

    @property
    def untiled(self) -> int:
        """The least that must be declared for a form that is not tiled."""
        return min(self.arenas[name].declare for name in UNTILED if name in self.arenas)


UNTILED = ("now", "order", "offsets")
"""The forms of a model that is not tiled."""


def with_whole_arenas(request: Request, opened: Opened, solved: Solved, watch: Watch) -> Solved:
    """Return a plan of `opened` with the whole arenas that TFLM takes, where the plan is for TFLM.

    Measured in the Python package where that is installed and is asked for; otherwise predicted. A plan
    whose arenas are not known either way stays without.
    """
    wanted, kernels = request.whole_arena, solved.network.target.kernels
    if wanted is None or opened.offsets is None or not kernels:  # other runtimes have no kernels to choose
        return solved
    is_tiled = solved.plan.rewriting is not None
    forms = untiled_forms(wanted, opened, _untiled(request, opened, watch) if is_tiled else solved)
    if is_tiled:
        forms.append(tiled_form("tiled", wanted, solved))
    predictions = predictions_of(opened, kernels, wanted.pointer_bytes)
    try:
        stated = stated_arenas(forms, predictions, watch.restarted().left(request.limits).seconds)
    except ModelError as error:
        _LOG.info("the whole arena is not known: %s", error)
        return solved
    found = whole_arenas(stated, kernels, wanted.pointer_bytes)
    if request.tiling is not None:
        found = replace(found, tiled_for="peak", for_peak=found.tiled)
    return with_arenas(request, opened, solved, found, watch)


def with_arenas(
    request: Request, opened: Opened, solved: Solved, arenas: WholeArenas, watch: Watch
) -> Solved:
    """Return a plan of `opened` with its whole arenas; the source's own offsets stay where they take less."""
    wanted = request.whole_arena
    assert wanted is not None, "somebody asked for them"
    has_offsets = wanted.offsets and fit_offsets(opened, solved.network.target)
    kept = _kept(arenas, opened) if has_offsets else ""
    if kept:
        arenas, solved = replace(arenas, kept=kept), _in_file_order(request, opened, solved, watch)
    seconds = replace(solved.plan.seconds, total=max(watch.seconds, solved.plan.seconds.total))
    plan = replace(solved.plan, tflm=arenas, seconds=seconds)
    return replace(solved, plan=_holding(plan, arenas.planned.head) if has_offsets else plan)


def _kept(arenas: WholeArenas, opened: Opened) -> str:
    """Return why a source stays as it is: it takes less than the plan; empty if it does not stay."""
    if arenas.tiled is not None or arenas.now.head >= arenas.planned.head:
        return ""
    own = None if opened.offsets is None or opened.model is None else opened.offsets.own(opened.model)
    if own is None:
        return ""
    if not own.offsets:
        return f"TFLM places its tensors in {arenas.now.head:,} bytes; the best plan found takes more"
    if not own.written_over:
        return "no rule differs, but the plan leaves more bytes free"
    rest = len(own.written_over) - 1
    more = f", and {rest} more" if rest else ""
    return f"{own.written_over[0]}{more}: target tflm lets no operator write over its input"


def _in_file_order(request: Request, opened: Opened, solved: Solved, watch: Watch) -> Solved:
    """Return the plan of a source in the order of its file; the bounds for all orders still hold."""
    if solved.plan.order == tuple(sorted(solved.plan.order)):
        return solved
    given = solve(replace(request, scheduler="given"), opened, watch.restarted().silenced())
    schedule, bound = given.plan.schedule, solved.plan.lower_bound
    status = conclude(schedule.peak, bound, request.limits.budget, schedule.status)
    plan = replace(given.plan, schedule=replace(schedule, lower_bound=bound, status=status))
    return replace(given, plan=plan)


def _with_two_arenas(
    measured: dict[str, WholeArena], predicted: dict[str, WholeArena]
) -> dict[str, WholeArena]:
    """Return measured arenas with what is predicted of two separate ones, which cannot be measured here."""
    return {
        name: replace(arena, apart=predicted[name].apart) if name in predicted else arena
        for name, arena in measured.items()
    }


def with_room_for_bodies(solved: Solved) -> Solved:
    """Return a plan whose arena is as large as TFLM's head with its offsets, which bodies may make larger."""
    held, kernels = solved.opened.offsets, solved.network.target.kernels
    if held is None or not kernels or not solved.plan.bodies:
        return solved
    content = _placed(solved)
    if content is None:
        return solved
    try:
        head = held.whole_arena(content, kernels, _POINTER).head
    except ModelError as error:
        _LOG.info("the head is not known: %s", error)
        return solved
    return replace(solved, plan=_holding(solved.plan, head))


def _holding(plan: Plan, head: int) -> Plan:
    """Return a plan whose arena is as large as the runtime's head, although nothing in the plan is there.

    It is larger where the runtime places what has no offset: what did not fit into its place because of
    gaps, and scratch in a body that several operators run, which it keeps from the first to the last.
    """
    if plan.arena is None or head <= plan.arena.size:
        return plan
    return replace(plan, arena=reserving(plan.arena, head, plan.budget, is_needed=False))


def whole_arenas(stated: Stated, kernels: str, pointer_bytes: int) -> WholeArenas:
    """Return the whole arenas of a plan."""
    return WholeArenas(
        now=stated.arenas["now"],
        order=stated.arenas["order"],
        offsets=stated.arenas.get("offsets"),
        tiled=stated.arenas.get("tiled"),
        measured=stated.measured,
        kernels=kernels,
        pointer_bytes=pointer_bytes,
        note=stated.note,
    )


@dataclass(frozen=True, slots=True)
class Predictions:
    """The whole arenas of files as predicted for some kernels and pointers, each computed once."""

    held: OffsetsInFiles
    source: bytes
    """The file of the source."""
    kernels: str
    pointer_bytes: int
    _known: dict[bytes, WholeArena] = field(default_factory=dict[bytes, WholeArena])

    def of(self, content: bytes) -> WholeArena:
        """Return the whole arena of a file.

        Raises:
            ModelError: it cannot be predicted.
        """
        if content not in self._known:
            self._known[content] = self.held.whole_arena(content, self.kernels, self.pointer_bytes)
        return self._known[content]


def predictions_of(opened: Opened, kernels: str, pointer_bytes: int) -> Predictions:
    """Return the predictions for a source and what is made of it."""
    held = opened.offsets
    assert held is not None, "checked before"
    assert opened.model is not None, "only models have offsets"
    return Predictions(held, held.source(opened.model), kernels, pointer_bytes)


def stated_arenas(
    forms: list[Form], predictions: Predictions, left: float | None, *, measures: bool = True
) -> Stated:
    """Return the whole arena of each form of a model: measured where that can be and may be, else predicted.

    Raises:
        ModelError: an arena can be neither measured nor predicted.
    """
    may = measures and predictions.kernels == DEFAULT
    found, note = _measured(forms, predictions.pointer_bytes, left) if may else ({}, "")
    predicted: dict[str, WholeArena] = {}
    try:
        for name, content, _ in forms:
            predicted[name] = predictions.of(content)
    except ModelError:
        if not found:
            raise
    today = [content for name, content, _ in forms if name == "now"]
    is_source = predictions.source in today or not today
    refused = "" if is_source else "today without the source's own offsets, with which TFLM does not run it"
    note = "; ".join(part for part in (note, refused) if part)
    return Stated(_with_two_arenas(found, predicted) if found else predicted, bool(found), note)


def untiled_forms(wanted: WholeArenaRequest, opened: Opened, untiled: Solved) -> list[Form]:
    """Return the source, in the best order, and with offsets, as far as there are such forms."""
    held, model = opened.offsets, opened.model
    assert held is not None, "checked before"
    assert model is not None, "only models have offsets"
    source, graph = held.source(model), model.graph
    try:
        held.whole_arena(source, DEFAULT, wanted.pointer_bytes)
        today = source
    except ModelError:
        today = held.without(source, {})
    forms = [("now", today, graph), ("order", held.without(source, untiled.plan.orders), graph)]
    placed = _placed(untiled) if wanted.offsets else None
    if placed is not None:
        forms.append(("offsets", placed, graph))
    return forms


def tiled_form(name: str, wanted: WholeArenaRequest, solved: Solved) -> Form:
    """Return the file of a tiled plan, with offsets as far as it has any."""
    held, changed = solved.opened.offsets, solved.opened.model
    assert held is not None, "checked before"
    assert changed is not None, "only models are tiled"
    content = _placed(solved) if wanted.offsets else None
    if content is None:
        content = held.without(held.source(changed), solved.plan.orders)
    return name, content, changed.graph


def _untiled(request: Request, opened: Opened, watch: Watch) -> Solved:
    """Return the plan of a source that was tiled, without tiling."""
    limits = replace(request.limits.part(_ORDER), budget=None)
    return solve(replace(request, tiling=None, limits=limits), opened, watch.restarted().silenced())


def _placed(solved: Solved) -> bytes | None:
    """Return the file of a plan with its offsets; None if the file cannot hold them, or there are none."""
    opened, plan = solved.opened, solved.plan
    if opened.format is None or opened.model is None or not fit_offsets(opened, solved.network.target):
        return None
    try:
        offsets = tensor_offsets(solved)
    except OptionError:  # the arena is too large for offsets
        return None
    return None if offsets is None else opened.format.reordered(opened.model, plan.orders, offsets)


def _measured(forms: list[Form], pointer_bytes: int, left: float | None) -> tuple[dict[str, WholeArena], str]:
    """Return the arena of each form as TFLM says, or none and why, if that is worth saying."""
    from hmcos.runtimes.tflite.tflm import (  # noqa: PLC0415 (other formats are scheduled without it)
        MEASURED_POINTER,
        can_measure,
        measured_arenas,
    )

    if pointer_bytes != MEASURED_POINTER or not can_measure():
        return {}, ""
    waits = _LONGEST if left is None else min(_LONGEST, max(_AT_LEAST, left))
    graphs = {content: graph for _, content, graph in forms}  # two forms may be the same file
    try:
        each = measured_arenas([*graphs.items()], Allowance(seconds=_LONGEST), waits=waits)
    except NotRunError as error:
        return {}, f"not measured: {error}"
    known: dict[str, WholeArena] = {}
    found = dict(zip(graphs, each, strict=True))
    for name, content, _ in forms:
        arena = found[content]
        if not isinstance(arena, str):
            known[name] = arena
        elif name in (*UNTILED, "tiled"):
            return {}, f"not measured: tflm refuses the model: {arena}"
        else:
            _LOG.info("tflm refuses a tiling: %s", arena)
    return known, ""
