"""Compare the inner tensors of a source with those of a model that was made of it.

The outputs of a classifier take few values; a wrong row in the middle of the network may not reach them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from hmcos.errors import VerifyError
from hmcos.verify.run.causes import tried, tried_on_result
from hmcos.verify.run.operators import Made, run_whole, session
from hmcos.verify.run.run_request import RunRequest
from hmcos.verify.run.telling import Begin, RunPart
from hmcos.verify.run.wholes import WholeRun, difference, differing, session_of_source, showing

ROUNDED = 0.05
"""What rounding may change at most, as a part of the greatest number of a tensor: a value that just falls to
the other side moves a network of 8-bit integers by several steps of 1/255; a wrong row does more."""
_FLOATS = {"float16": np.float16, "float32": np.float32, "float64": np.float64}


def same_inner_tensors(request: RunRequest, wholes: Sequence[WholeRun], begin: Begin) -> str:
    """Return how many tensors both models make with the same bits; the first that differ are a failure.

    Raises:
        VerifyError: a tensor differs although it must not.
        NotRunError: the models keep their weights elsewhere, or do not run with more outputs.
    """
    begin(RunPart.LOADING)
    result = showing(request.result, request.common)
    before = tried(
        lambda: session_of_source(request, request.common),
        "ONNX Runtime does not load the source with more outputs",
    )
    after = tried_on_result(
        lambda: session(result), "ONNX Runtime loads the source with more outputs, but not the result"
    )
    farthest = 0.0
    for run, whole in enumerate(wholes):
        begin(RunPart.SOURCE)
        right = tried(
            lambda: run_whole(before, request.source_graph, whole.source_fed),  # noqa: B023 (called at once)
            "ONNX Runtime does not run the source with more outputs",
        )
        begin(RunPart.RESULT)
        found = tried_on_result(
            lambda: run_whole(after, request.graph, whole.fed),  # noqa: B023 (called before the next turn)
            "ONNX Runtime runs the source with more outputs, but not the result",
        )
        right = {name: right[name] for name in found}  # floats that the result does not make are left out
        other = differing(right, found)
        if other and request.is_exact:
            raise VerifyError(f"run {run}: the result {difference(other[0], right, found)}")
        farthest = max([farthest, *(distance(request, name, right, found) for name in other)])
    words = "equal in every bit" if request.is_exact else f"at most {farthest:.3g} of their range apart"
    return f"{len(request.common):,} tensors that source and result both have are {words}"


def distance(request: RunRequest, name: str, right: Mapping[str, Made], found: Mapping[str, Made]) -> float:
    """Return the greatest difference of a float tensor, as a part of its greatest number.

    Raises:
        VerifyError: the shapes differ, the tensor holds no floats, which cannot round, or it differs by more
            than rounding does.
    """
    element = next(t.element for t in request.graph.tensors if t.name == name)
    if element not in _FLOATS or right[name].shape != found[name].shape:
        raise VerifyError(f"the result {difference(name, right, found)}")
    one, other = (
        np.frombuffer(made.content.tobytes(), _FLOATS[element]).astype(np.float64)
        for made in (right[name], found[name])
    )
    range_ = float(np.nanmax(np.abs(one), initial=0.0))
    found_distance = float(np.nanmax(np.abs(one - other), initial=0.0)) / (range_ or 1.0)
    if found_distance > ROUNDED:
        raise VerifyError(
            f"the result differs in {name!r} by {found_distance:.3g} of its range: more than rounding"
        )
    return found_distance
