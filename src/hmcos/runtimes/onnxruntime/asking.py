"""Ask ONNX Runtime, in a child process, for the sizes of the outputs of a model; nothing is run."""

from __future__ import annotations

import json
from importlib import import_module
from importlib.util import find_spec
from typing import Any, cast

from hmcos.frontends.onnx.elements import NUMBERS
from hmcos.graph.graph import Tensor
from hmcos.log import Log
from hmcos.processes import Allowance, run
from hmcos.runtimes.onnxruntime.fusing import SPELLINGS

_ALLOWANCE = Allowance(seconds=60, memory=8 << 30)
_LOG = Log("hmcos.runtimes")


def is_installed() -> bool:
    """Return whether ONNX Runtime is there to be asked."""
    return find_spec("onnxruntime") is not None


def told(content: bytes) -> dict[str, Tensor]:
    """Return by name the outputs of a model whose sizes ONNX Runtime knows; {} if it refuses the model."""
    ended = run("hmcos.runtimes.onnxruntime.asking:answer", content, _ALLOWANCE)
    if ended.failure:
        _LOG.info("ONNX Runtime was asked for sizes, but %s", ended.failure)
        return {}
    found: dict[str, Tensor] = {}
    for name, spelled, shape in cast("list[tuple[str, str, list[int]]]", json.loads(ended.answer)):
        element = SPELLINGS.get(spelled, spelled)
        if element in NUMBERS:
            found[name] = Tensor(name, element, NUMBERS[element][1], tuple(shape))
    return found


def answer(request: bytes) -> bytes:
    """Return name, element type and shape of each output whose sizes ONNX Runtime knows, as JSON."""
    here: Any = import_module("onnxruntime")
    options = here.SessionOptions()
    options.graph_optimization_level = here.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 4
    session = here.InferenceSession(request, options, providers=["CPUExecutionProvider"])
    found: list[tuple[str, str, list[int]]] = []
    for output in session.get_outputs():
        shape = cast("list[int | str | None]", output.shape)
        sizes = [size for size in shape if isinstance(size, int) and size >= 0]
        spelled = str(output.type)
        if len(sizes) == len(shape) and spelled.startswith("tensor("):
            found.append((str(output.name), spelled.removeprefix("tensor(").removesuffix(")"), sizes))
    return json.dumps(found).encode()
