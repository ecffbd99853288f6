"""An ONNX model changed by a rewrite: tiles with their own padding, cuts, and what puts them together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import cast

from onnx import GraphProto, ModelProto, NodeProto, TensorProto, helper

from hmcos.errors import ModelError
from hmcos.frontends.model import Model
from hmcos.frontends.onnx.body_graphs import graphs
from hmcos.frontends.onnx.elements import ELEMENTS
from hmcos.frontends.onnx.message_fields import fresh_name, keep, names_used
from hmcos.frontends.onnx.nodes import Node, all_pads, nodes
from hmcos.frontends.onnx.reading import load
from hmcos.graph.graph import Tensor
from hmcos.graph.rewrite import ConcatStep, OperatorStep, PadStep, Rewrite, SliceStep, Step

LEAST_IR = 4
"""Before it, every parameter had to be an input as well."""
_TYPES = {spelling: number for number, (spelling, _) in ELEMENTS.items()}
_PADDED = frozenset({"AveragePool", "Conv", "ConvInteger", "MaxPool", "QLinearConv"})
_IMPLIED = ("auto_pad", "ceil_mode", "output_padding", "output_shape", "pads")
"""Attributes that are said by explicit padding instead."""


def rewritten(model: Model, rewrite: Rewrite) -> Model:
    """Return a model changed by a rewrite of its main graph; see `Format.rewritten`.

    Weights are shared by all tiles, and external data stays where it is.
    """
    writer = _Writer(model, rewrite)
    for step in rewrite.steps:
        writer.add(step)
    content = writer.result()
    known = {tensor.name: tensor for tensor in writer.tensors if tensor.name and not tensor.is_parameter}
    found = load(content, dict(model.bind), known)
    return replace(found, path=model.path, data_files=model.data_files)


class _Writer:
    """Writes the nodes of a rewrite, one after the other."""

    def __init__(self, model: Model, rewrite: Rewrite) -> None:
        self.source = cast(ModelProto, model.proto)
        self.nodes = nodes(model)
        self.replaced = {
            model.graph.tensors[t].name: model.graph.tensors[other] for t, other in rewrite.replaced.items()
        }
        """Name of an input or output to the tensor that the new graph has instead."""
        kept = {step.number for step in rewrite.steps if isinstance(step, OperatorStep)}
        gone = [node.proto for number, node in enumerate(self.nodes) if number not in kept]
        self.once_read = {name for node in gone for name in node.input}
        """Names of tensors that nodes read which are gone."""
        self.names = _Names(self.source.graph)
        self.made: list[NodeProto] = []
        self.parameters: list[TensorProto] = []
        self._parameter_of: dict[object, str] = {}
        self.tensors: list[Tensor] = list(model.graph.tensors)
        for part in rewrite.parts:
            whole = model.graph.tensors[part.tensor]
            name = self.names.new(f"{whole.name or 'tensor'}_tile")
            self.tensors.append(replace(whole, name=name, shape=part.shape(whole.shape)))

    def add(self, step: Step) -> None:
        """Write one step as one node."""
        match step:
            case OperatorStep(pads=None):
                self.made.append(self.nodes[step.number].proto)
            case OperatorStep():
                self.made.append(self._tile(step))
            case SliceStep():
                self.made.append(self._slice(step))
            case ConcatStep():
                parts, whole = [self._name(t) for t in step.reads], self._name(step.makes)
                name = self.names.new(f"{whole}_join")
                self.made.append(helper.make_node("Concat", parts, [whole], name=name, axis=step.axis))
            case PadStep():
                raise ModelError("an operator of a tile cannot be told its padding, as ONNX's can")

    def result(self) -> ModelProto:
        """Return the model with the new nodes and without what told of tensors that are gone."""
        copy = ModelProto()
        copy.CopyFrom(self.source)
        copy.ir_version = max(copy.ir_version, LEAST_IR)
        graph = copy.graph
        del graph.node[:]
        graph.node.extend(self.made)
        graph.initializer.extend(self.parameters)
        self._replace_ports(graph)
        there = {name for node in self.made for name in node.output}
        there |= {value.name for value in graph.input} | {tensor.name for tensor in graph.initializer}
        keep(graph.value_info, [value.name in there for value in graph.value_info])
        keep(graph.quantization_annotation, [a.tensor_name in there for a in graph.quantization_annotation])
        return copy

    def _replace_ports(self, graph: GraphProto) -> None:
        """Give a graph its new inputs and outputs, and take out the parameters of nodes that are gone."""
        for value in (*graph.input, *graph.output):
            other = self.replaced.get(value.name)
            if other is not None:
                value.name = other.name
                value.type.tensor_type.elem_type = _TYPES[other.element]
        known = {value.name for value in (*graph.input, *graph.output)}
        keep(graph.value_info, [value.name not in known for value in graph.value_info])
        read = {name for _, each in graphs(graph) for node in each.node for name in node.input}
        dropped = self.once_read - read - {value.name for value in graph.output}
        dropped &= {tensor.name for tensor in graph.initializer}
        keep(graph.initializer, [tensor.name not in dropped for tensor in graph.initializer])
        keep(graph.input, [value.name not in dropped for value in graph.input])

    def _name(self, tensor: int | None) -> str:
        return "" if tensor is None else self.tensors[tensor].name

    def _tile(self, step: OperatorStep) -> NodeProto:
        source = self.nodes[step.number]
        node = NodeProto()
        node.CopyFrom(source.proto)
        node.name = self.names.new(f"{source.op.name or source.op.kind}_tile")
        # Inputs that are left out have no number, but their place in the list.
        node.input[:] = [self._name(t) for t in step.inputs]
        node.output[:] = [self._name(t) for t in step.outputs]
        assert step.pads is not None
        (top, bottom), (left, right) = step.pads
        if source.op.kind in _PADDED:
            _without(node, _IMPLIED)
            node.attribute.append(helper.make_attribute("pads", [top, left, bottom, right]))
        elif source.op.kind == "ConvTranspose":
            _without(node, _IMPLIED)
            ends = [max(0, bottom), max(0, right)]
            node.attribute.append(helper.make_attribute("pads", [top, left, *ends]))
            beyond = [max(0, -bottom), max(0, -right)]
            node.attribute.append(helper.make_attribute("output_padding", beyond))
        elif source.op.kind == "Pad":
            self._pad(node, source, (top, left, bottom, right))
        elif source.op.kind == "Resize":
            self._resize(node, step)
        return node

    def _pad(self, node: NodeProto, source: Node, pads: tuple[int, int, int, int]) -> None:
        whole = all_pads(source)
        assert whole is not None, "what computes its padding is a barrier"
        whole[2], whole[3], whole[6], whole[7] = pads
        del node.input[3:]
        node.input[1] = self._numbers(whole)

    def _resize(self, node: NodeProto, step: OperatorStep) -> None:
        """Say the factor instead of a size, which is that of the whole."""
        read, made = step.inputs[0], step.outputs[0]
        assert read is not None
        assert made is not None
        scales = [m / r for m, r in zip(self.tensors[made].shape, self.tensors[read].shape, strict=True)]
        del node.input[2:]
        node.input.extend([""] * (2 - len(node.input)))
        node.input.append(self._parameter(tuple(scales), TensorProto.FLOAT))

    def _slice(self, step: SliceStep) -> NodeProto:
        shape = self.tensors[step.reads].shape
        cut = [
            (interval.begin, interval.end, axis)
            for interval, axis in zip(step.box, step.axes, strict=True)
            if interval.length != shape[axis]
        ]
        begins, ends, axes = (self._numbers([each[i] for each in cut]) for i in range(3))
        made = self._name(step.makes)
        name = self.names.new(f"{made}_cut")
        return helper.make_node("Slice", [self._name(step.reads), begins, ends, axes], [made], name=name)

    def _numbers(self, values: Sequence[int]) -> str:
        return self._parameter(tuple(values), TensorProto.INT64)

    def _parameter(self, values: tuple[float, ...], element: int) -> str:
        """Return the name of a parameter with some values, the same for the same values."""
        key = element, values
        if key not in self._parameter_of:
            name = self.names.new("tile_numbers")
            self.parameters.append(helper.make_tensor(name, element, [len(values)], values))
            self._parameter_of[key] = name
        return self._parameter_of[key]


class _Names:
    """Hands out names that are nowhere in a model."""

    def __init__(self, graph: GraphProto) -> None:
        self._used = names_used(graph)
        self._next: Counter[str] = Counter()

    def new(self, stem: str) -> str:
        """Return a name that begins with the stem."""
        name = fresh_name(stem, self._used, self._next[stem])
        self._next[stem] = int(name[len(stem) + 1 :]) + 1
        return name


def _without(node: NodeProto, attributes: Iterable[str]) -> None:
    keep(node.attribute, [attribute.name not in attributes for attribute in node.attribute])
