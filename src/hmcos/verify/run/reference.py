"""Run models in onnx's reference evaluator, where ONNX Runtime has no kernel for an operator.

It reads all inputs of an operator before it makes new arrays, which are then written to their places. So a
run in the arena proves order, lives and places, but not that a kernel may write over its input.
"""

from __future__ import annotations

import ctypes
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
from onnx import ModelProto
from onnx.helper import tensor_dtype_to_np_dtype

from hmcos.errors import NotRunError
from hmcos.frontends.feeding import Bytes
from hmcos.graph.graph import Graph, Operator
from hmcos.verify.run.causes import tried
from hmcos.verify.run.operators import TYPES, Lent, Made, Operators, Shape, blank


def check_elements(graph: Graph) -> None:
    """Check that a network has only elements of whole bytes.

    Raises:
        NotRunError: it has others.
    """
    if any(tensor.bits % 8 or tensor.element not in TYPES for tensor in graph.tensors):
        raise NotRunError("onnx's reference evaluator is not asked about elements that are not whole bytes")


class ReferenceWhole:
    """A model in the reference evaluator."""

    def __init__(self, path: Path) -> None:
        model = ModelProto.FromString(path.read_bytes())
        self._stored = {tensor.name for tensor in model.graph.initializer}
        self._evaluator = _evaluator(model)

    def run(self, graph: Graph, fed: Mapping[int, Bytes]) -> dict[str, Made]:
        """Run the model on the bytes of its inputs by tensor, and return name to value of every output.

        Raises:
            NotRunError: an output is no dense tensor of the type that the model declares.
        """
        named = {graph.tensors[t].name: t for t in (*graph.inputs, *graph.outputs)}
        entering = {graph.tensors[t].name: t for t in graph.inputs}
        if not self._stored.isdisjoint(entering):
            raise NotRunError("it takes the value in the file for an input that has a default")
        feeds = {
            name: _array(fed[t].ctypes.data, graph, t, graph.tensors[t].shape) for name, t in entering.items()
        }
        made = cast("Sequence[Any]", self._evaluator.run(None, feeds))
        names = cast("list[str]", self._evaluator.output_names)
        return {name: _made(value, graph, named[name]) for name, value in zip(names, made, strict=True)}


class ReferenceOperators(Operators):
    """The operators of one network, each in an evaluator of its own."""

    def run(self, op: Operator, inputs: Mapping[int, Lent], outputs: Mapping[int, Lent]) -> None:
        """Run an operator on lent memory; see `Operators.run`."""
        made = self._evaluated(op, inputs)
        for t, lent in outputs.items():
            if made[t].shape != lent.shape:
                raise NotRunError(f"{op.title}: makes {list(made[t].shape)}, not {list(lent.shape)}")
            ctypes.memmove(lent.address, made[t].content.ctypes.data, made[t].content.size)

    def shapes(self, op: Operator, inputs: Mapping[int, Lent]) -> dict[int, Shape]:
        """Run an operator and return the actual shapes of its outputs; see `Operators.shapes`."""
        return {t: made.shape for t, made in self._evaluated(op, inputs).items()}

    def _computed(self, op: Operator, known: Mapping[int, Bytes]) -> dict[int, Bytes]:
        return {t: made.content for t, made in self._evaluated(op, {}, known).items()}

    def _evaluated(
        self, op: Operator, inputs: Mapping[int, Lent], known: Mapping[int, Bytes] | None = None
    ) -> dict[int, Made]:
        """Return what an operator makes of lent inputs and of parameters.

        Raises:
            LimitError: there is not enough memory for it.
            NotRunError: the evaluator cannot run it.
        """
        stored = {t: self.parameters[t] for t in op.reads if t in self.parameters} if known is None else known

        def evaluate() -> dict[int, Made]:
            model = self._model(op, stored, {})
            reads = [t for t in op.reads if t not in stored]
            feeds = {
                value.name: _array(inputs[t].address, self.graph, t, inputs[t].shape)
                for value, t in zip(model.graph.input, reads, strict=True)
            }
            made = cast("Sequence[Any]", _evaluator(model).run(None, feeds))
            return {t: _made(value, self.graph, t) for t, value in zip(op.makes, made, strict=True)}

        return tried(evaluate, f"{op.title}: onnx's reference evaluator cannot run it by itself")


def _evaluator(model: ModelProto) -> Any:
    from onnx.reference import ReferenceEvaluator  # noqa: PLC0415 (takes half a second, and few models need it)

    return ReferenceEvaluator(model)


def _array(address: int, graph: Graph, t: int, shape: Shape) -> Any:
    """Return a copy of a tensor's memory as an array: the evaluator may write into what it is fed."""
    dtype = np.dtype(tensor_dtype_to_np_dtype(TYPES[graph.tensors[t].element]))
    size = int(np.prod(shape, dtype=np.int64)) * dtype.itemsize
    block = blank(size)  # always at an address of the same alignment, on which rounding may depend
    if size:
        ctypes.memmove(block.ctypes.data, address, size)
    return block[:size].view(dtype).reshape(shape)


def _made(value: Any, graph: Graph, t: int) -> Made:
    """Return a value of the evaluator as bytes.

    Raises:
        NotRunError: it is no dense tensor of the type that the model declares.
    """
    tensor = graph.tensors[t]
    array = np.asarray(value)
    if array.dtype != tensor_dtype_to_np_dtype(TYPES[tensor.element]):
        raise NotRunError(
            f"onnx's reference evaluator makes {tensor.name!r} of {array.dtype}, not {tensor.element}"
        )
    content = np.frombuffer(array.tobytes(), np.uint8).copy()
    return Made(tuple(map(int, array.shape)), content)
