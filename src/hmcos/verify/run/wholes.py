"""Run the source as a whole, on inputs that it accepts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto

from hmcos.errors import LimitError, NotRunError
from hmcos.frontends.feeding import Bytes, as_bytes, random_inputs
from hmcos.frontends.spans import spread
from hmcos.verify.run.causes import SPECIAL, tried
from hmcos.verify.run.operators import Made, run_whole, session
from hmcos.verify.run.pacing import PART, paced
from hmcos.verify.run.reference import ReferenceWhole, check_elements
from hmcos.verify.run.run_request import RunRequest
from hmcos.verify.run.telling import Begin, RunPart

CALM = (None, 0, 1)
"""Values of integer inputs to try until the source runs: random, all 0, all 1."""

AGAIN = 3
"""Repeated runs of the source if the result has other bits, to see whether the source itself varies."""


@dataclass(frozen=True, slots=True)
class WholeRun:
    """One run of the source."""

    fed: Mapping[int, Bytes]
    """What the result is fed, by tensor."""
    outputs: Mapping[str, Made]
    """Those of the result, by name."""
    how: str
    """A note on special inputs; empty if they are random."""
    source_fed: Mapping[int, Bytes]
    """What the source was fed, by its own tensors."""
    reference: str = ""
    """Why it was run by onnx's reference evaluator; empty if ONNX Runtime ran it."""


def run_source(request: RunRequest, begin: Begin) -> tuple[list[WholeRun], NotRunError | None]:
    """Return the successful runs, up to the first that fails, and the error of that one.

    Raises:
        LimitError: there is not enough memory to load the source.
        NotRunError: ONNX Runtime cannot load the source.
    """
    begin(RunPart.LOADING)
    try:
        source = tried(lambda: session_of_source(request), "ONNX Runtime does not load the source")
    except LimitError:
        raise
    except NotRunError as error:
        return run_by_reference(request, error), None
    begin(RunPart.SOURCE)
    wholes: list[WholeRun] = []
    for run in range(request.runs):
        try:
            wholes.append(_run(source, request, run))
        except NotRunError as error:
            return wholes, error
    return wholes, None


def run_by_reference(request: RunRequest, why: NotRunError) -> list[WholeRun]:
    """Return runs of the source in onnx's reference evaluator; `why` is what ONNX Runtime lacks.

    Raises:
        LimitError: it would take too much time or memory there.
        NotRunError: the evaluator does not run it either, or is not asked, since the model was changed.
    """
    if request.floats is not None or request.common or not request.is_exact:
        raise why
    try:
        check_elements(request.graph)
        with paced(request.seconds / PART, "running the source in onnx's reference evaluator"):
            return _evaluated(request, why)
    except NotRunError as error:
        raise type(error)(f"{why}; {error}") from error


def _evaluated(request: RunRequest, why: NotRunError) -> list[WholeRun]:
    source = tried(
        lambda: ReferenceWhole(request.source), "onnx's reference evaluator does not load the source"
    )
    wholes: list[WholeRun] = []
    for run in range(request.runs):
        fed = {**_random(request, run, None), **request.inputs}
        made = tried(
            lambda: source.run(request.graph, fed),  # noqa: B023 (called at once)
            "onnx's reference evaluator does not run the source",
        )
        wholes.append(WholeRun(fed, made, "", fed, str(why)))
    return wholes


def _run(source: Any, request: RunRequest, run: int) -> WholeRun:
    """Return a run on random inputs, or with all integers 0 or 1 if the source fails on random ones.

    Integers may be lengths, positions or codes, of which only some are valid, and the file does not say
    which.
    """
    failed: NotRunError | None = None
    for value in CALM if _has_integers(request) else CALM[:1]:
        fed = {**_random(request, run, value), **request.inputs}
        try:
            made = tried(
                lambda: run_whole(source, request.source_graph, fed),  # noqa: B023 (called at once)
                f"ONNX Runtime fails to run the source on {_inputs(request, run)}",
            )
        except LimitError:
            raise
        except NotRunError as error:
            failed = failed or error
            continue
        how = "" if value is None else f"integer inputs are {value}, as it fails on others"
        return WholeRun(_entered(request, fed, made), _left(request, made), how, fed)
    assert failed is not None
    raise NotRunError(f"{failed}{SPECIAL if request.graph.inputs else ''}") from failed


def session_of_source(request: RunRequest, more: Sequence[str] = ()) -> Any:
    """Return a session of the source, with some inner tensors and what the result takes and makes as outputs.

    Raises:
        NotRunError: more outputs are wanted, and its weights stand in files beside it.
    """
    quantized = () if request.floats is None else request.floats.quantized
    names = dict.fromkeys([*more, *quantized])
    return session(showing(request.source, [*names]) if names else str(request.source))


def showing(path: Path, names: Sequence[str]) -> bytes:
    """Return a model with more outputs.

    Raises:
        NotRunError: its weights stand in files beside it.
    """
    model = onnx.ModelProto.FromString(path.read_bytes())
    if any(tensor.data_location == TensorProto.EXTERNAL for tensor in model.graph.initializer):
        raise NotRunError("only the outputs were compared: the weights stand in files beside the model")
    shown = {output.name for output in model.graph.output}
    for name in names:
        if name not in shown:
            model.graph.output.add().name = name
    return model.SerializeToString()


def _random(request: RunRequest, run: int, value: int | None) -> dict[int, Bytes]:
    """Return random inputs of the source; floats that are only quantized fill the range of that."""
    graph, floats = request.source_graph, request.floats
    fed = random_inputs(graph, request.seed, run, request.known, value)
    if floats is None:
        return fed
    for t, span in floats.spans.items():
        draw = np.random.default_rng([request.seed, run, t])
        fed[t] = as_bytes(spread(draw, span, graph.tensors[t].shape))
    return fed


def _entered(request: RunRequest, fed: Mapping[int, Bytes], made: Mapping[str, Made]) -> Mapping[int, Bytes]:
    """Return what the result is fed: what the source was fed, or quantized of it."""
    if request.floats is None:
        return fed
    known = {request.floats.graph.tensors[t].name: content for t, content in fed.items()}
    known |= {name: made[name].content for name in request.floats.quantized}
    return {t: known[request.graph.tensors[t].name] for t in request.graph.inputs}


def _left(request: RunRequest, made: Mapping[str, Made]) -> Mapping[str, Made]:
    """Return the outputs of the result, from those of the source."""
    if request.floats is None:
        return made
    names = (request.graph.tensors[t].name for t in request.graph.outputs)
    return {name: made[name] for name in names}


def unsteady(request: RunRequest, whole: WholeRun) -> list[str]:
    """Return the outputs that differ when the source runs again on the same inputs."""
    names: list[str] = []
    with suppress(Exception):  # it ran before, so a failure now must not excuse the result
        source = session_of_source(request)
        for _ in range(AGAIN):
            names += differing(whole.outputs, run_whole(source, request.source_graph, whole.source_fed))
    return names


def differing(right: Mapping[str, Made], others: Mapping[str, Made]) -> list[str]:
    """Return the names of the outputs that differ in shape or in any bit."""
    return [name for name, made in right.items() if not _equal(made, others[name])]


def _equal(one: Made, other: Made) -> bool:
    return one.shape == other.shape and one.content.tobytes() == other.content.tobytes()


def difference(name: str, right: Mapping[str, Made], others: Mapping[str, Made]) -> str:
    """Return a description of how an output differs."""
    one, other = right[name], others[name]
    if one.shape != other.shape:
        return f"differs in output {name!r}: {list(other.shape)} instead of {list(one.shape)}"
    wrong = int(np.flatnonzero(one.content != other.content)[0])
    return f"differs in output {name!r} from byte {wrong} on"


def _has_integers(request: RunRequest) -> bool:
    graph = request.source_graph
    return any("int" in graph.tensors[t].element and t not in request.inputs for t in graph.inputs)


def _inputs(request: RunRequest, run: int) -> str:
    fed = set(request.source_graph.inputs)
    return "your inputs" if fed and fed <= request.inputs.keys() else f"the random inputs of run {run}"
