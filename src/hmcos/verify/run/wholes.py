"""Run the source as a whole, on inputs that it accepts."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np

from hmcos.errors import LimitError, NotRunError
from hmcos.frontends.feeding import Bytes, random_inputs
from hmcos.verify.run.causes import SPECIAL, tried
from hmcos.verify.run.operators import Made, run_whole, session
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
    """By tensor."""
    outputs: Mapping[str, Made]
    how: str
    """A note on special inputs; empty if they are random."""


def run_source(request: RunRequest, begin: Begin) -> tuple[list[WholeRun], NotRunError | None]:
    """Return the successful runs, up to the first that fails, and the error of that one.

    Raises:
        LimitError: there is not enough memory to load the source.
        NotRunError: ONNX Runtime cannot load the source.
    """
    begin(RunPart.LOADING)
    source = tried(lambda: session(str(request.source)), "ONNX Runtime does not load the source")
    begin(RunPart.SOURCE)
    wholes: list[WholeRun] = []
    for run in range(request.runs):
        try:
            wholes.append(_run(source, request, run))
        except NotRunError as error:
            return wholes, error
    return wholes, None


def _run(source: Any, request: RunRequest, run: int) -> WholeRun:
    """Return a run on random inputs, or with all integers 0 or 1 if the source fails on random ones.

    Integers may be lengths, positions or codes, of which only some are valid, and the file does not say
    which.
    """
    failed: NotRunError | None = None
    for value in CALM if _has_integers(request) else CALM[:1]:
        fed = {**random_inputs(request.graph, request.seed, run, request.known, value), **request.inputs}
        try:
            made = tried(
                lambda: run_whole(source, request.graph, fed),  # noqa: B023 (called before the next turn)
                f"ONNX Runtime fails to run the source on {_inputs(request, run)}",
            )
        except LimitError:
            raise
        except NotRunError as error:
            failed = failed or error
            continue
        return WholeRun(
            fed, made, "" if value is None else f"integer inputs are {value}, as it fails on others"
        )
    assert failed is not None
    raise NotRunError(f"{failed}{SPECIAL if request.graph.inputs else ''}") from failed


def unsteady(request: RunRequest, whole: WholeRun) -> list[str]:
    """Return the outputs that differ when the source runs again on the same inputs."""
    names: list[str] = []
    with suppress(Exception):  # it ran before, so a failure now must not excuse the result
        source = session(str(request.source))
        for _ in range(AGAIN):
            names += differing(whole.outputs, run_whole(source, request.graph, whole.fed))
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
    graph = request.graph
    return any("int" in graph.tensors[t].element and t not in request.inputs for t in graph.inputs)


def _inputs(request: RunRequest, run: int) -> str:
    fed = set(request.graph.inputs)
    return "your inputs" if fed and fed <= request.inputs.keys() else f"the random inputs of run {run}"
