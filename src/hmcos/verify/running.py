"""What a result computes, found by running it in the process that `child.run_apart` starts."""

from __future__ import annotations

import json
import os
import pickle
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import TypeVar, cast

import onnx

from hmcos.errors import VerifyError
from hmcos.frontends.feeding import Bytes, random_inputs
from hmcos.graph.model import Graph
from hmcos.plan.plan import Plan
from hmcos.verify.checks import Check, attempt
from hmcos.verify.kernels import HALVES
from hmcos.verify.operators import LINE, Operators, run_whole, session, title
from hmcos.verify.request import Request
from hmcos.verify.stepping import Ran, run_in_arena

_T = TypeVar("_T")

LISTED = 3
"""Operators that a check names one by one."""


@dataclass(frozen=True, slots=True)
class _Whole:
    """One run of source and result as a whole."""

    fed: Mapping[str, Bytes]
    outputs: Mapping[str, Bytes]


def answer(request: bytes) -> bytes:
    """Return a list of checks as JSON; `request` is a pickled `Request`."""
    asked = cast(Request, pickle.loads(request))
    # A model may carry session options, such as libraries to load; they count only if this is set.
    os.environ.pop("ORT_LOAD_CONFIG_FROM_MODEL", None)
    return json.dumps([asdict(check) for check in check_by_running(asked)]).encode()


def check_by_running(request: Request) -> Iterator[Check]:
    """Yield whether source and result make the same bits, and whether the arena does."""
    ran: list[_Whole] = []
    same = attempt("same function", lambda: _same_function(request, ran))
    yield same
    plan = request.plan
    if plan is not None and plan.arena is not None and same.held:
        yield attempt("in the arena", lambda: _in_arena(request, plan, ran))


def _same_function(request: Request, ran: list[_Whole]) -> str:
    graph = request.graph
    chance = _touched_by_chance(graph)
    source = _runtime(lambda: session(str(request.source)), "the source cannot be run")
    result = _runtime(lambda: session(str(request.result)), "the result cannot be run")
    for run in range(request.runs):
        fed = {**random_inputs(graph, request.seed, run), **request.inputs}
        right = _runtime(lambda: run_whole(source, graph, fed), f"run {run} of the source failed")  # noqa: B023
        found = _runtime(lambda: run_whole(result, graph, fed), f"run {run} of the result failed")  # noqa: B023
        _compare(right, found, chance, f"run {run}: the result")
        ran.append(_Whole(fed, right))
    compared = len({graph.tensors[t].name for t in graph.outputs} - chance)
    return f"{compared} outputs are bit-equal on {request.runs} inputs (seed {request.seed}){_random(graph)}"


def _in_arena(request: Request, plan: Plan, wholes: list[_Whole]) -> str:
    graph = request.graph
    model = onnx.ModelProto.FromString(request.numbered.read_bytes())
    operators = Operators(model, graph, request.numbered.parent)
    ran, rounding = Ran(), ""
    for run, whole in enumerate(wholes):
        ran = run_in_arena(operators, plan, whole.fed)
        try:
            _compare(whole.outputs, ran.outputs, _touched_by_chance(graph), f"run {run} in the arena")
        except VerifyError:
            rounding = _why_rounded(graph, plan)
            if not rounding:
                raise
    words = (
        f"{ran.steps:,} steps in one block of {ran.end:,} bytes make the same bits; "
        "memory as planned at each; "
        f"{ran.in_place:,} wrote over their input"
    )
    if ran.views:
        words += f", {ran.views:,} made a view of it"
    if rounding:
        words += f"; compared step by step only, as {rounding}"
    if ran.unproved:
        words += f"; not proved in place: {_listed(ran.unproved)}, whose kernel forbids it"
    return words + _random(graph)


def _why_rounded(graph: Graph, plan: Plan) -> str:
    """Return why last bits may differ from a whole run although no byte is wrong; empty if they may not."""
    if any(tensor.element in HALVES for tensor in graph.tensors):
        return "a whole run keeps more than 16 bits"
    if any(buffer.offset % LINE for buffer in plan.buffers):
        return f"kernels round in another way where offsets are no multiples of {LINE}"
    return ""


def _compare(right: Mapping[str, Bytes], found: Mapping[str, Bytes], chance: set[str], what: str) -> None:
    for name, expected in right.items():
        if name not in chance and expected.tobytes() != found[name].tobytes():
            wrong = next(i for i, (a, b) in enumerate(zip(expected, found[name], strict=True)) if a != b)
            raise VerifyError(f"{what} differs in output {name!r} from byte {wrong} on")


def _touched_by_chance(graph: Graph) -> set[str]:
    """Return the names of all tensors that a random operator has a say in."""
    touched: set[int] = set()
    for op in graph.operators:
        if op.is_random or any(t in touched for t in op.reads):
            touched.update(op.makes)
    return {graph.tensors[t].name for t in touched}


def _random(graph: Graph) -> str:
    drawn = [title(op) for op in graph.operators if op.is_random]
    return f"; left out what comes of the random {_listed(drawn)}" if drawn else ""


def _listed(titles: list[str]) -> str:
    rest = f" and {len(titles) - LISTED} more" if len(titles) > LISTED else ""
    return ", ".join(titles[:LISTED]) + rest


def _runtime(call: Callable[[], _T], what: str) -> _T:
    try:
        return call()
    except Exception as error:  # the runtime raises many types; each means that it cannot run the model
        said = " ".join(str(error).split())[:300]
        raise VerifyError(
            f"{what} by ONNX Runtime: {said}; if an input has to be special, give it with --input"
        ) from error
