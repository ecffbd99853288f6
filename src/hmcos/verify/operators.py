"""Operators run one at a time by ONNX Runtime, on bytes that the caller lends."""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from onnx import GraphProto, ModelProto, NodeProto, TensorProto, ValueInfoProto, numpy_helper
from onnx.external_data_helper import load_external_data_for_tensor

from hmcos.errors import VerifyError
from hmcos.frontends.feeding import Bytes
from hmcos.frontends.onnx.elements import ELEMENTS
from hmcos.graph.model import Graph, Operator

TYPES = {spelling: number for number, (spelling, _) in ELEMENTS.items()}
"""Element in numpy's spelling to ONNX's number."""
LINE = 64
"""Bytes whose multiples ONNX Runtime allocates at.

A kernel treats what lies before the first multiple one by one, with other instructions that round in
another way: the bits of a result depend on its address modulo this.
"""


def blank(size: int, phase: int = 0) -> Bytes:
    """Return zeros for a tensor of a size in bytes, at an address that is `phase` modulo `LINE`."""
    whole = np.zeros(size + 2 * LINE, np.uint8)  # never empty, so that also an empty tensor has an address
    start = (phase - whole.ctypes.data) % LINE
    return whole[start : start + size + LINE]


def session(model: bytes | str) -> Any:
    """Return a session that computes the same bits whether operators run together or alone.

    One thread, no optimisation, and no packing of weights beforehand, which would sum in another order. No
    library of custom operators is ever loaded.
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


def run_whole(session: Any, graph: Graph, fed: Mapping[str, Bytes]) -> dict[str, Bytes]:
    """Return name to bytes of every output of a network that is run as a whole."""
    by_name = {graph.tensors[t].name: t for t in (*graph.inputs, *graph.outputs)}
    binding = session.io_binding()
    lent = {node.name: blank(fed[node.name].size) for node in session.get_inputs()}
    for name, block in lent.items():
        block[: fed[name].size] = fed[name]
        _bind(binding.bind_input, name, graph, by_name[name], block.ctypes.data)
    found: dict[str, Bytes] = {}
    for name in dict.fromkeys(node.name for node in session.get_outputs()):
        found[name] = blank(graph.tensors[by_name[name]].size)
        _bind(binding.bind_output, name, graph, by_name[name], found[name].ctypes.data)
    session.run_with_iobinding(binding)
    # An output that is an input is not computed, and ONNX Runtime leaves the block lent for it as it is.
    entering = {graph.tensors[t].name for t in graph.inputs}
    return {
        name: (fed[name] if name in entering else block)[: graph.tensors[by_name[name]].size]
        for name, block in found.items()
    }


class Operators:
    """The operators of one network, each as a session of its own; equal ones share a session."""

    def __init__(self, model: ModelProto, graph: Graph, home: Path) -> None:
        self.graph, self.home = graph, home
        self._nodes: Sequence[NodeProto] = model.graph.node
        self._stored = {tensor.name: tensor for tensor in model.graph.initializer}
        self._frame = ModelProto(ir_version=model.ir_version, opset_import=model.opset_import)
        self._sessions: dict[bytes, Any] = {}
        self._chosen: dict[int, tuple[Any, frozenset[int]]] = {}

    @cached_property
    def parameters(self) -> dict[int, Bytes]:
        """Tensor to bytes of every parameter: those in the file, and those computed from them alone."""
        found: dict[int, Bytes] = {}
        for t, tensor in enumerate(self.graph.tensors):
            if tensor.name in self._stored:
                found[t] = self._read(self._stored[tensor.name])
        for op in self.graph.operators:
            if self.graph.computes_parameters(op):
                known = {t: found[t] for t in op.reads}
                made = {t: blank(self.graph.tensors[t].size) for t in op.makes}
                self._run(op, known, addresses(known), addresses(made))
                found.update(made)
        return found

    def run(self, op: Operator, inputs: Mapping[int, int], outputs: Mapping[int, int]) -> None:
        """Run an operator: from the addresses of the activations it reads to those of what it makes.

        Raises:
            VerifyError: ONNX Runtime cannot run it.
        """
        known = {t: self.parameters[t] for t in op.reads if t in self.parameters}
        self._run(op, known, {**addresses(known), **inputs}, outputs)

    def _run(
        self, op: Operator, known: Mapping[int, Bytes], inputs: Mapping[int, int], outputs: Mapping[int, int]
    ) -> None:
        try:
            session, embedded = self._session(op, known)
            binding = session.io_binding()
            reads = [t for t in op.reads if t not in embedded]
            for name, t in zip(_names(op, reads, "i", self.graph), reads, strict=True):
                _bind(binding.bind_input, name, self.graph, t, inputs[t])
            for name, t in zip(_names(op, op.makes, "o", self.graph), op.makes, strict=True):
                _bind(binding.bind_output, name, self.graph, t, outputs[t])
            session.run_with_iobinding(binding)
        except Exception as error:  # the runtime raises many types, all of which mean that it cannot run this
            said = " ".join(str(error).split())[:300]
            raise VerifyError(f"{title(op)}: ONNX Runtime cannot run it: {said}") from error

    def _session(self, op: Operator, known: Mapping[int, Bytes]) -> tuple[Any, frozenset[int]]:
        """Return the session of an operator and the parameters that are inside it.

        Parameters are inputs, so that operators that differ only in weights share a session; a kernel that
        demands constants gets them.
        """
        if op.number not in self._chosen:
            try:
                self._chosen[op.number] = self._made(op, {}), frozenset()
            except Exception:  # tried once more with constants; what that raises is the answer
                self._chosen[op.number] = self._made(op, known), frozenset(known)
        return self._chosen[op.number]

    def _made(self, op: Operator, embedded: Mapping[int, Bytes]) -> Any:
        model = self._model(op, embedded).SerializeToString(deterministic=True)
        if model not in self._sessions:
            self._sessions[model] = session(model)
        return self._sessions[model]

    def _model(self, op: Operator, embedded: Mapping[int, Bytes]) -> ModelProto:
        """Return an operator as a model; names and number are left out unless bodies refer to them."""
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
        model.graph.input.extend(self._value(t, named[t]) for t in reads)
        model.graph.output.extend(self._value(t, named[t]) for t in op.makes)
        model.graph.initializer.extend(self._constant(t, named[t], b) for t, b in embedded.items())
        return model

    def _value(self, t: int, name: str) -> ValueInfoProto:
        tensor, value = self.graph.tensors[t], ValueInfoProto(name=name)
        value.type.tensor_type.elem_type = TYPES[tensor.element]
        value.type.tensor_type.shape.SetInParent()
        for size in tensor.shape:
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


def title(op: Operator) -> str:
    """Return how a message calls an operator."""
    return f"operator {op.number} ({op.kind}{f' {op.name!r}' if op.name else ''})"


def addresses(blocks: Mapping[int, Bytes]) -> dict[int, int]:
    """Return where each block of bytes begins."""
    return {t: block.ctypes.data for t, block in blocks.items()}


def _names(op: Operator, tensors: Sequence[int], letter: str, graph: Graph) -> list[str]:
    """Return what tensors are called in the model of one operator; bodies know the names of the network."""
    if op.bodies:
        return [graph.tensors[t].name for t in tensors]
    place = {t: k for k, t in enumerate(op.reads if letter == "i" else op.makes)}
    return [f"{letter}{place[t]}" for t in tensors]


def _bind(bind: Any, name: str, graph: Graph, t: int, address: int) -> None:
    tensor = graph.tensors[t]
    bind(name, "cpu", 0, TYPES[tensor.element], tensor.shape, address)
