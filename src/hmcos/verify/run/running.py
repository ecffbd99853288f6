"""Compare source and result by running both, in the process that `parent.run_apart` starts."""

from __future__ import annotations

import os
import pickle
from collections.abc import Callable, Iterator, Mapping
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import cast

import onnx

from hmcos import processes
from hmcos.errors import LimitError, NotRunError, VerifyError
from hmcos.frontends.feeding import Bytes
from hmcos.graph.graph import Graph
from hmcos.plan.plan import Plan
from hmcos.verify.checks import Check, attempt
from hmcos.verify.run.arena_run import Ran, run_in_arena
from hmcos.verify.run.causes import too_much_memory, tried_on_result
from hmcos.verify.run.kernels import HALVES
from hmcos.verify.run.operators import LINE, Made, Operators, run_whole, session
from hmcos.verify.run.pacing import PART, paced
from hmcos.verify.run.reference import ReferenceOperators, ReferenceWhole
from hmcos.verify.run.run_request import RunRequest
from hmcos.verify.run.telling import Begin, RunPart, Teller, nobody
from hmcos.verify.run.transformed import distance, same_inner_tensors
from hmcos.verify.run.wholes import WholeRun, difference, differing, run_source, unsteady

QUANTIZED = ", floats taken as what they are quantized to"
"""Of comparisons with a source whose float inputs and outputs the result does not have."""
BY_REFERENCE = "; by onnx's reference evaluator, which writes copies: kernels in place are not proved"
"""Of operators that ONNX Runtime does not run."""
ROUNDED_BY_REFERENCE = "the evaluator keeps other types between operators"
"""Why its whole run may have other bits than its operators one by one."""
LISTED = 3
"""Most operators that a check names."""


def answer(request: bytes) -> bytes:
    """Run the models, send each check and the progress at once (`telling`), and return nothing more.

    `request` is a pickled `RunRequest`.
    """
    asked = cast(RunRequest, pickle.loads(request))
    # A model may contain session options, such as libraries to load; ONNX Runtime ignores them without this.
    os.environ.pop("ORT_LOAD_CONFIG_FROM_MODEL", None)
    teller = Teller(processes.send)
    for check in check_by_running(asked, teller.begin):
        teller.check(replace(check, memory=processes.most_memory()))
    return b""


def check_by_running(request: RunRequest, begin: Begin = nobody) -> Iterator[Check]:
    """Yield the check that source and result make the same bits, and the check that the arena does."""
    ran: list[WholeRun] = []
    same = _attempt("same function", lambda: _same_function(request, ran, begin))
    yield same
    if request.common and not same.failed:
        chance = _touched_by_chance(request.graph)
        steady = replace(request, common=tuple(name for name in request.common if name not in chance))
        yield _attempt("inner tensors", lambda: same_inner_tensors(steady, ran, begin))
    plan = request.plan
    if plan is not None and plan.has_places and not same.failed:
        yield _attempt("in the arena", lambda: _in_arena(request, plan, ran, begin))


def _attempt(name: str, check: Callable[[], str]) -> Check:
    def within_limits() -> str:
        try:
            return check()
        except MemoryError as error:
            raise LimitError(too_much_memory()) from error

    return attempt(name, within_limits)


def _same_function(request: RunRequest, ran: list[WholeRun], begin: Begin) -> str:
    graph = request.graph
    chance = _touched_by_chance(graph)
    wholes, stopped = run_source(request, begin)
    apart = 0.0
    if wholes:
        begin(RunPart.RESULT)
        wholes, apart = _run_result(request, wholes, chance)
    ran += wholes
    if stopped is not None:
        raise stopped
    names = {graph.tensors[t].name for t in graph.outputs}
    if names and names <= chance:
        raise NotRunError(f"nothing to compare: every output depends on the random {_drawn(graph)}")
    how = next((whole.how for whole in wholes if whole.how), "")
    equal = "bit-equal" if request.is_exact else f"at most {apart:.3g} of their range apart"
    return (
        f"{len(names - chance)} outputs are {equal} on {request.runs} inputs (seed {request.seed})"
        f"{QUANTIZED if request.floats else ''}{f'; {how}' if how else ''}{_random(graph)}{_instead(wholes)}"
    )


def _instead(wholes: list[WholeRun]) -> str:
    """Return the note that ONNX Runtime did not run the models; empty if it did."""
    why = wholes[0].reference if wholes else ""
    return f"; by onnx's reference evaluator, since {why}" if why else ""


def _run_result(
    request: RunRequest, wholes: list[WholeRun], chance: set[str]
) -> tuple[list[WholeRun], float]:
    """Return the runs of the result and how far they are from those of the source, of the same inputs.

    Raises:
        VerifyError: an output differs in a bit, or in more than rounding where that is allowed.
        NotRunError: the result does not run, or the source does not make the same outputs twice.
    """
    apart, found = 0.0, list[WholeRun]()
    runner = "onnx's reference evaluator" if wholes[0].reference else "ONNX Runtime"
    result = tried_on_result(
        lambda: _loaded(request.result, wholes[0]), f"{runner} loads the source, but not the result"
    )
    for run, whole in enumerate(wholes):
        outputs = tried_on_result(
            lambda: result(request.graph, whole.fed),  # noqa: B023 (called before the next turn)
            f"{runner} runs the source on the inputs of run {run}, but not the result",
        )
        other = [name for name in differing(whole.outputs, outputs) if name not in chance]
        found.append(replace(whole, outputs=outputs))
        if other and not request.is_exact:
            apart = max([apart, *(distance(request, name, whole.outputs, outputs) for name in other)])
        elif other:
            by_itself = unsteady(request, whole)
            steady = [name for name in other if name not in by_itself]
            if not steady:
                raise NotRunError(f"output {other[0]!r} of the source differs from run to run")
            raise VerifyError(f"run {run}: the result {difference(steady[0], whole.outputs, outputs)}")
    return found, apart


def _loaded(path: Path, whole: WholeRun) -> Callable[[Graph, Mapping[int, Bytes]], dict[str, Made]]:
    """Return a function that runs a file in what ran the source."""
    if whole.reference:
        return ReferenceWhole(path).run
    loaded = session(str(path))
    return lambda graph, fed: run_whole(loaded, graph, fed)


def _in_arena(request: RunRequest, plan: Plan, wholes: list[WholeRun], begin: Begin) -> str:
    if len(wholes) < request.runs:
        raise NotRunError("the source did not run as a whole: see same function")
    graph = request.graph
    model = onnx.ModelProto.FromString(request.numbered.read_bytes())
    by_reference = bool(wholes and wholes[0].reference)
    kernels = ReferenceOperators if by_reference else Operators
    operators = kernels(model, graph, request.numbered.parent)
    ran, rounding, chance = Ran(), "", _touched_by_chance(graph)
    slow = paced(request.seconds / PART, "running the operators in onnx's reference evaluator")
    with slow if by_reference else nullcontext():
        all_ran = [run_in_arena(operators, plan, whole.fed, begin) for whole in wholes]
    for run, (whole, ran) in enumerate(zip(wholes, all_ran, strict=True)):
        other = [name for name in differing(whole.outputs, ran.outputs) if name not in chance]
        if other:
            rounding = ROUNDED_BY_REFERENCE if by_reference else _why_rounded(graph, plan)
            if not rounding:
                raise VerifyError(
                    f"run {run} in the arena {difference(other[0], whole.outputs, ran.outputs)}"
                )
    copied = BY_REFERENCE if by_reference else ""
    return f"{_counted(ran, rounding)}{copied}{_reshaped(graph, ran)}{_random(graph)}"


def _counted(ran: Ran, rounding: str) -> str:
    words = (
        f"{ran.steps:,} steps in {_in_blocks(ran)} make the same bits; "
        "memory as planned at each; "
        f"{ran.in_place:,} wrote over their input"
    )
    if ran.views:
        words += f", {ran.views:,} made a view of it"
    if rounding:
        words += f"; compared step by step only, as {rounding}"
    if ran.unproved:
        words += f"; not proved in place: {_listed(ran.unproved)}, whose kernel forbids it"
    return words


def _in_blocks(ran: Ran) -> str:
    if len(ran.ends) == 1:
        return f"one block of {ran.ends[0]:,} bytes"
    return f"separate blocks of {' and '.join(f'{end:,}' for end in ran.ends)} bytes"


def _reshaped(graph: Graph, ran: Ran) -> str:
    """Return the note about tensors whose shapes differ from those that the model declares."""
    declared = ((graph.tensors[t], shape) for t, shape in ran.shapes.items())
    reshaped = [f"{tensor.name!r} is {list(shape)}, not {list(tensor.shape)}" for tensor, shape in declared]
    return f"; other than declared, {_listed(reshaped)}" if reshaped else ""


def _why_rounded(graph: Graph, plan: Plan) -> str:
    """Return why the last bits may rightly differ from a whole run; empty if they must be equal."""
    if any(tensor.element in HALVES for tensor in graph.tensors):
        return "a whole run keeps more than 16 bits"
    if any(buffer.offset % LINE for buffer in plan.buffers):
        return f"kernels round in another way where offsets are no multiples of {LINE}"
    return ""


def _touched_by_chance(graph: Graph) -> set[str]:
    """Return the names of all tensors that depend on a random operator."""
    touched: set[int] = set()
    for op in graph.operators:
        if op.is_random or any(t in touched for t in op.reads):
            touched.update(op.makes)
    return {graph.tensors[t].name for t in touched}


def _random(graph: Graph) -> str:
    drawn = _drawn(graph)
    return f"; left out what depends on the random {drawn}" if drawn else ""


def _drawn(graph: Graph) -> str:
    return _listed([op.title for op in graph.operators if op.is_random])


def _listed(titles: list[str]) -> str:
    rest = f" and {len(titles) - LISTED} more" if len(titles) > LISTED else ""
    return ", ".join(titles[:LISTED]) + rest
