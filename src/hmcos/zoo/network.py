"""Builds a network layer by layer, and writes it as an ONNX model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from onnx import AttributeProto, GraphProto, ModelProto, TensorProto, ValueInfoProto

from hmcos.zoo.depth_first import depth_first

OPSET = 17
IR_VERSION = 8
INPUT = -1
"""The number of the network's input; layers are numbered 0, 1, 2, ... in the order in which they are
added."""

Shape = tuple[int, ...]
Attribute = int | float | tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Parameter:
    """A constant input of a layer."""

    role: str
    """What it is for, such as weight or bias; the end of its name."""
    shape: Shape
    values: bytes
    """The bytes, little-endian."""
    element: int = TensorProto.FLOAT
    """Element type, a TensorProto.DataType."""


@dataclass(frozen=True, slots=True)
class Layer:
    """One operator and its output tensor."""

    kind: str
    inputs: tuple[int, ...]
    shape: Shape
    attributes: Mapping[str, Attribute]
    parameters: tuple[Parameter, ...]
    element: int = TensorProto.FLOAT
    """Element type of the output, a TensorProto.DataType."""


class NetworkBuilder:
    """Collects layers; each is identified by its number.

    Layers are named as Keras names them (conv2d, conv2d_1, ...): the published files were exported from
    Keras, and the order of their operators depends on these names.
    """

    def __init__(self, name: str, shape: Shape) -> None:
        self.name = name
        self._input_shape = shape
        self._layers: list[Layer] = []
        self._names: list[str] = []
        self._counted: dict[str, int] = {}
        self._known: dict[object, int] = {}

    def number(self, family: str) -> str:
        """Return the next name in a family of layers: conv2d, conv2d_1, ..."""
        count = self._counted.get(family, 0)
        self._counted[family] = count + 1
        return f"{family}_{count}" if count else family

    def shape(self, x: int) -> Shape:
        """Return the shape of a layer's output."""
        return self._input_shape if x == INPUT else self._layers[x].shape

    def append(self, name: str, layer: Layer) -> int:
        """Add a layer; return its number."""
        self._layers.append(layer)
        self._names.append(name)
        return len(self._layers) - 1

    def append_once(self, name: str, layer: Layer) -> int:
        """Add a layer unless there is an equal one; return the number of the layer.

        Exporters merge equal operators; the merged operator has the last name, as in the published files.
        """
        key = (layer.kind, layer.inputs, tuple(layer.attributes.items()), layer.parameters)
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = self.append(name, layer)
        self._names[known] = name
        return known

    def model(self, as_made: bool = False) -> ModelProto:
        """Return the ONNX model; its output is that of the last layer.

        The operators are in depth-first order, as exporters of Keras write them, or in the order in which the
        layers were added, as a trace of PyTorch has them.
        """
        layers, names = self._layers, self._names
        reads = [[x for x in layer.inputs if x != INPUT] for layer in layers]
        order = range(len(layers)) if as_made else depth_first(names, reads)
        model = ModelProto(ir_version=IR_VERSION, producer_name="hmcos")
        model.opset_import.add(domain="", version=OPSET)
        graph = model.graph
        graph.name = self.name
        _describe(graph.input.add(), "image", self._input_shape)
        for i in order:
            inputs = ["image" if x == INPUT else names[x] for x in layers[i].inputs]
            _write(graph, names[i], layers[i], inputs)
            made = graph.output if i == len(layers) - 1 else graph.value_info
            _describe(made.add(), names[i], layers[i].shape, layers[i].element)
        return model


def _write(graph: GraphProto, name: str, layer: Layer, inputs: Sequence[str]) -> None:
    """Add a layer and its parameters to a graph, in place: copying weights would take most of the time."""
    node = graph.node.add(op_type=layer.kind, name=name, input=inputs, output=[name])
    for key, value in layer.attributes.items():
        if isinstance(value, tuple):
            node.attribute.add(name=key, type=AttributeProto.INTS, ints=value)
        elif isinstance(value, float):
            node.attribute.add(name=key, type=AttributeProto.FLOAT, f=value)
        else:
            node.attribute.add(name=key, type=AttributeProto.INT, i=value)
    for parameter in layer.parameters:
        called = f"{name}/{parameter.role}"
        node.input.append(called)
        graph.initializer.add(
            name=called, data_type=parameter.element, dims=parameter.shape, raw_data=parameter.values
        )


def _describe(value: ValueInfoProto, name: str, shape: Shape, element: int = TensorProto.FLOAT) -> None:
    value.name = name
    tensor = value.type.tensor_type
    tensor.elem_type = element
    for length in shape:
        tensor.shape.dim.add(dim_value=length)
