"""Ask LiteRT, in a child process, for the sizes of the tensors of a model; nothing is run."""

from __future__ import annotations

import json
from importlib import import_module
from typing import Any, cast

from hmcos.errors import ModelError
from hmcos.graph.graph import Tensor
from hmcos.processes import Allowance, run
from hmcos.runtimes.tflite.litert import is_installed, refusal

_ALLOWANCE = Allowance(seconds=60, memory=8 << 30)


def told(content: bytes) -> dict[str, Tensor]:
    """Return all tensors of a model by `SUBGRAPH:TENSOR`, with their sizes; {} if LiteRT is not installed.

    A tensor whose size depends on data has the size that the file says.

    Raises:
        ModelError: LiteRT refuses the model at the sizes of its inputs; says why.
    """
    if not is_installed("litert"):
        return {}
    ended = run("hmcos.runtimes.tflite.asking:answer", content, _ALLOWANCE)
    if ended.failure:
        why = ended.failure if ended.exhausted else refusal(ended)
        raise ModelError(f"LiteRT was asked for the sizes of its tensors, but it {why}")
    answers = cast("dict[str, list[int]]", json.loads(ended.answer))
    return {key: Tensor(key, "uint8", 8, tuple(shape)) for key, shape in answers.items()}


def answer(request: bytes) -> bytes:
    """Return the shape of each tensor of each subgraph as JSON; `request` is a model file."""
    interpreter: Any = import_module("ai_edge_litert.interpreter")
    generated: Any = import_module("ai_edge_litert.schema_py_generated")
    session = interpreter.Interpreter(
        model_content=request,
        num_threads=1,
        experimental_op_resolver_type=interpreter.OpResolverType.BUILTIN_REF,
    )
    session.allocate_tensors()
    subgraphs = cast(int, generated.Model.GetRootAs(request, 0).SubgraphsLength())
    found = {
        f"{subgraph}:{details['index']}": [int(size) for size in details["shape"]]
        for subgraph in range(subgraphs)
        for details in session.get_tensor_details(subgraph)
    }
    return json.dumps(found).encode()
