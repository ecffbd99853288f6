"""Run operators one at a time in ONNX Runtime, on memory that the caller lends."""

from __future__ import annotations

import ctypes
import importlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from onnx import GraphProto, ModelProto, NodeProto, TensorProto, ValueInfoProto, numpy_helper
from onnx.external_data_helper import load_external_data_for_tensor

from hmcos.errors import NotRunError
from hmcos.frontends.feeding import Bytes
from hmcos.frontends.onnx.elements import ELEMENTS
from hmcos.graph.graph import Graph, Operator
from hmcos.graph.kinds import STANDARD_DOMAINS
from hmcos.verify.run.causes import tried
from hmcos.verify.run.sparse import dense

Shape = tuple[int, ...]
_Shapes = tuple[Shape | None, ...]

TYPES = {spelling: number for number, (spelling, _) in ELEMENTS.items()}
"""Element in numpy's spelling to ONNX's number."""
LINE = 64
"""The alignment of ONNX Runtime's memory, in bytes.

Kernels process elements before the first aligned address with other instructions, which round differently:
the bits of a result depend on its address modulo this.
"""


@dataclass(frozen=True, slots=True)
class Lent:
    """Memory that an operator reads or writes."""

    address: int
    shape: Shape
    """Shape of the value in it, which may differ from the one that the model declares."""


@dataclass(frozen=True, slots=True)
class Made:
    """An output of a network."""

    shape: Shape
    content: Bytes


def blank(size: int, phase: int = 0) -> Bytes:
    """Return zeros for a tensor of a size in bytes, at an address that is `phase` modulo `LINE`."""
    whole = np.zeros(size + 2 * LINE, np.uint8)  # never empty, so that even an empty tensor has an address
    start = (phase - whole.ctypes.data) % LINE
    return whole[start : start + size + LINE]


def session(model: bytes | str) -> Any:
    """Return a session that computes the same bits whether operators run together or alone.

    It has one thread, no optimisation, and no prepacked weights, which would change the order of sums. It
    never loads libraries of custom operators.
    """
    runtime: Any = importlib.import_module("onnxruntime")
    options = runtime.SessionOptions()
    options.graph_optimization_level = runtime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.execution_mode = runtime.ExecutionMode.ORT_SEQUENTIAL
    options.execution_order = runtime.ExecutionOrder.PRIORITY_BASED
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4
    options.add_session_config_entry("session.disable_prepacking", "1")
    return runtime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def run_whole(session: Any, graph: Graph, fed: Mapping[int, Bytes]) -> dict[str, Made]:
    """Run a network as a whole and return name to value of every output.

    `fed` is the bytes of the inputs by tensor; the runtime identifies inputs by name, which ONNX requires to
    be unique. The runtime allocates the outputs, whose shapes may differ from those that the model declares.
    """
    by_name = {tensor.name: t for t, tensor in enumerate(graph.tensors)}
    binding = session.io_binding()
    asked = {node.name: by_name[node.name] for node in session.get_inputs()}
    lent = {name: blank(fed[t].size) for name, t in asked.items()}
    for name, block in lent.items():
        t = asked[name]
        block[: fed[t].size] = fed[t]
        _bind(binding.bind_input, name, graph, t, Lent(block.ctypes.data, graph.tensors[t].shape))
    names = list(dict.fromkeys(node.name for node in session.get_outputs()))
    for name in names:
        binding.bind_output(name, "cpu")
    session.run_with_iobinding(binding)
    # An output that is an input is not computed.
    entering = {graph.tensors[t].name: Made(graph.tensors[t].shape, fed[t]) for t in graph.inputs}
    made = zip(names, binding.get_outputs(), strict=True)
    return {
        name: entering.get(name) or _copied(value, graph.tensors[by_name[name]].bits) for name, value in made
    }


def _copied(value: Any, bits: int) -> Made:
    """Return a copy of a value of the runtime, given the bits per element."""
    shape = tuple(int(size) for size in value.shape())
    size = byte_size(shape, bits)
    content = blank(size)
    if size:
        ctypes.memmove(content.ctypes.data, value.data_ptr(), size)
    return Made(shape, content[:size])


def byte_size(shape: Shape, bits: int) -> int:
    """Return the bytes of a tensor, given its shape and the bits per element."""
    return (prod(shape) * bits + 7) // 8


class Operators:
    """The operators of one network, each in a session of its own; equal operators share a session."""

    def __init__(self, model: ModelProto, graph: Graph, home: Path) -> None:
        self.graph, self.home = graph, home
        self._nodes: Sequence[NodeProto] = model.graph.node
        self._stored = {tensor.name: tensor for tensor in model.graph.initializer}
        self._frame = ModelProto(ir_version=model.ir_version, opset_import=model.opset_import)
        imported = (entry.version for entry in model.opset_import if entry.domain in STANDARD_DOMAINS)
        self.opset = max(imported, default=1)
        """The version of the standard operators."""
        self._sessions: dict[bytes, Any] = {}
        self._chosen: dict[tuple[int, frozenset[int], _Shapes], Any] = {}
        self._demanding: set[tuple[int, _Shapes]] = set()
        """Operators, with the shapes that they read and make, whose kernels require constants."""

    @cached_property
    def parameters(self) -> dict[int, Bytes]:
        """Tensor to bytes of every parameter: those in the file, and those computed from them."""
        contents: dict[int, Bytes] = {}
        for t, tensor in enumerate(self.graph.tensors):
            if tensor.name in self._stored:
                contents[t] = self._read(self._stored[tensor.name])
        for op in self.graph.operators:
            if self.graph.computes_parameters(op):
                contents.update(self._computed(op, {t: contents[t] for t in op.reads}))
        return contents

    def _computed(self, op: Operator, known: Mapping[int, Bytes]) -> dict[int, Bytes]:
        """Return the parameters that an operator computes; sparse constants are read without the runtime."""
        made = {t: blank(self.graph.tensors[t].size) for t in op.makes}
        sparse = [a for a in self._nodes[op.number].attribute if a.HasField("sparse_tensor")]
        if op.kind == "Constant" and sparse:
            block = made[op.makes[0]]
            content = tried(
                lambda: dense(sparse[0].sparse_tensor, self._read),
                f"{op.title}: is not a valid sparse constant",
            )
            block[: content.size] = content
        else:
            self._run(op, known, self.lent(known), self.lent(made))
        return made

    def lent(self, blocks: Mapping[int, Bytes]) -> dict[int, Lent]:
        """Return blocks of bytes as memory to lend, with the shapes that the model declares."""
        return {t: Lent(block.ctypes.data, self.graph.tensors[t].shape) for t, block in blocks.items()}

    def run(self, op: Operator, inputs: Mapping[int, Lent], outputs: Mapping[int, Lent]) -> None:
        """Run an operator on the activations that it reads, and write those that it makes.

        Raises:
            LimitError: there is not enough memory for it.
            NotRunError: ONNX Runtime cannot run it, or an output has another shape than in `outputs`.
        """
        known = {t: self.parameters[t] for t in op.reads if t in self.parameters}
        self._run(op, known, {**self.lent(known), **inputs}, outputs)

    def shapes(self, op: Operator, inputs: Mapping[int, Lent]) -> dict[int, Shape]:
        """Run an operator and return the actual shapes of its outputs.

        Raises:
            LimitError: there is not enough memory for it.
            NotRunError: ONNX Runtime cannot run it.
        """
        known = {t: self.parameters[t] for t in op.reads if t in self.parameters}
        binding = self._run(op, known, {**self.lent(known), **inputs}, None)
        actual = (tuple(int(size) for size in value.shape()) for value in binding.get_outputs())
        return dict(zip(op.makes, actual, strict=True))

    def _run(
        self,
        op: Operator,
        known: Mapping[int, Bytes],
        inputs: Mapping[int, Lent],
        outputs: Mapping[int, Lent] | None,
    ) -> Any:
        """Run an operator and return the binding; without `outputs` the runtime allocates them.

        Parameters are passed as inputs, so that operators that differ only in weights share a session; a
        kernel that requires constants, when it is loaded or when it runs, gets them as constants.
        """
        shapes = {t: lent.shape for t, lent in {**inputs, **(outputs or {})}.items()}
        key = (op.number, tuple(shapes.get(t) for t in (*op.reads, *op.makes)))

        def run(embedded: Mapping[int, Bytes]) -> Any:
            session = self._session(op, embedded, shapes)
            binding = session.io_binding()
            reads = [t for t in op.reads if t not in embedded]
            for name, t in zip(_names(op, reads, "i", self.graph), reads, strict=True):
                _bind(binding.bind_input, name, self.graph, t, inputs[t])
            for name, t in zip(_names(op, op.makes, "o", self.graph), op.makes, strict=True):
                if outputs is None:
                    binding.bind_output(name, "cpu")
                else:
                    _bind(binding.bind_output, name, self.graph, t, outputs[t])
            session.run_with_iobinding(binding)
            return binding

        def run_either() -> Any:
            if key not in self._demanding:
                try:
                    return run({})
                except Exception:  # try again with constants; an error of that second run counts
                    self._demanding.add(key)
            return run(known)

        return tried(run_either, f"{op.title}: ONNX Runtime cannot run it by itself")

    def _session(self, op: Operator, embedded: Mapping[int, Bytes], shapes: Mapping[int, Shape]) -> Any:
        """Return the session of an operator with these parameters as constants."""
        key = (op.number, frozenset(embedded), tuple(shapes.get(t) for t in (*op.reads, *op.makes)))
        if key not in self._chosen:
            self._chosen[key] = self._made(op, embedded, shapes)
        return self._chosen[key]

    def _made(self, op: Operator, embedded: Mapping[int, Bytes], shapes: Mapping[int, Shape]) -> Any:
        model = self._model(op, embedded, shapes).SerializeToString(deterministic=True)
        if model not in self._sessions:
            self._sessions[model] = session(model)
        return self._sessions[model]

    def _model(self, op: Operator, embedded: Mapping[int, Bytes], shapes: Mapping[int, Shape]) -> ModelProto:
        """Return an operator as a model; without its name and number, unless bodies refer to them."""
        node, graph = NodeProto(), self.graph
        node.CopyFrom(self._nodes[op.number])
        node.name = "operator"
        reads = [t for t in op.reads if t not in embedded]
        named = dict(zip(op.reads, _names(op, op.reads, "i", graph), strict=True))
        named |= dict(zip(op.makes, _names(op, op.makes, "o", graph), strict=True))
        node.input[:] = ["" if t is None else named[t] for t in op.inputs]
        node.output[:] = ["" if t is None else named[t] for t in op.outputs]
        model = ModelProto()
        model.CopyFrom(self._frame)
        model.graph.CopyFrom(GraphProto(name="operator", node=[node]))
        model.graph.input.extend(self._value(t, named[t], shapes.get(t)) for t in reads)
        model.graph.output.extend(self._value(t, named[t], shapes.get(t)) for t in op.makes)
        model.graph.initializer.extend(self._constant(t, named[t], b) for t, b in embedded.items())
        return model

    def _value(self, t: int, name: str, shape: Shape | None) -> ValueInfoProto:
        tensor = self.graph.tensors[t]
        if tensor.element not in TYPES:
            raise NotRunError(f"{tensor.name!r} is a {tensor.element}: operators with it are not run alone")
        value = ValueInfoProto(name=name)
        value.type.tensor_type.elem_type = TYPES[self.graph.tensors[t].element]
        if shape is not None:
            value.type.tensor_type.shape.SetInParent()
            for size in shape:
                value.type.tensor_type.shape.dim.add(dim_value=size)
        return value

    def _constant(self, t: int, name: str, content: Bytes) -> TensorProto:
        tensor = self.graph.tensors[t]
        raw = content[: tensor.size].tobytes()
        return TensorProto(name=name, data_type=TYPES[tensor.element], dims=tensor.shape, raw_data=raw)

    def _read(self, tensor: TensorProto) -> Bytes:
        if tensor.data_location == TensorProto.EXTERNAL:
            loaded = TensorProto()
            loaded.CopyFrom(tensor)
            load_external_data_for_tensor(loaded, str(self.home))
            tensor = loaded
        raw = tensor.raw_data
        if not tensor.HasField("raw_data"):
            raw = numpy_helper.from_array(numpy_helper.to_array(tensor)).raw_data
        block = blank(len(raw))
        block[: len(raw)] = np.frombuffer(raw, np.uint8)
        return block


def _names(op: Operator, tensors: Sequence[int], letter: str, graph: Graph) -> list[str]:
    """Return the names of tensors in the model of one operator; bodies need the names of the network."""
    if op.bodies:
        return [graph.tensors[t].name for t in tensors]
    place = {t: k for k, t in enumerate(op.reads if letter == "i" else op.makes)}
    return [f"{letter}{place[t]}" for t in tensors]


def _bind(bind: Any, name: str, graph: Graph, t: int, lent: Lent) -> None:
    bind(name, "cpu", 0, TYPES[graph.tensors[t].element], lent.shape, lent.address)
