"""Builds a network layer by layer, and writes it as an ONNX model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hmcos.graph.builder import GraphBuilder
from hmcos.graph.graph import Graph, Operator, Tensor
from hmcos.zoo.depth_first import depth_first
from hmcos.zoo.weights import Drawn

if TYPE_CHECKING:
    from onnx import GraphProto, ModelProto, ValueInfoProto

FLOAT, INT8, INT32, INT64 = 1, 3, 6, 7
"""ONNX's numbers of element types (TensorProto.DataType)."""
_ELEMENTS = {FLOAT: ("float32", 32), INT8: ("int8", 8), INT32: ("int32", 32), INT64: ("int64", 64)}
"""Element type to numpy's name and the bits of one element."""
OPSET = 17
IR_VERSION = 8
INPUT = -1
"""The number of the network's input; layers are numbered 0, 1, 2, ... in the order in which they are
added."""
_IMAGE = "image"
"""The name of the input."""

Shape = tuple[int, ...]
Attribute = int | float | tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Parameter:
    """A constant input of a layer."""

    role: str
    """What it is for, such as weight or bias; the end of its name."""
    shape: Shape
    values: bytes | Drawn
    """The bytes, little-endian."""
    element: int = FLOAT
    """Element type, ONNX's number."""


@dataclass(frozen=True, slots=True)
class Layer:
    """One operator and its output tensor."""

    kind: str
    inputs: tuple[int, ...]
    shape: Shape
    attributes: Mapping[str, Attribute]
    parameters: tuple[Parameter, ...]
    element: int = FLOAT
    """Element type of the output, ONNX's number."""


class NetworkBuilder:
    """Collects layers; each is identified by its number.

    Layers are named as Keras names them (conv2d, conv2d_1, ...): the published files were exported from
    Keras, and the order of their operators depends on these names. The operators are in depth-first order, as
    exporters of Keras write them, or `as_made`: in the order in which the layers were added, as a trace of
    PyTorch has them.
    """

    def __init__(self, name: str, shape: Shape, *, as_made: bool = False) -> None:
        self.name = name
        self._as_made = as_made
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

    def model(self) -> ModelProto:
        """Return the ONNX model; its output is that of the last layer."""
        from onnx import ModelProto  # noqa: PLC0415 (takes 100 ms, and a graph needs none)

        layers, names = self._layers, self._names
        model = ModelProto(ir_version=IR_VERSION, producer_name="hmcos")
        model.opset_import.add(domain="", version=OPSET)
        graph = model.graph
        graph.name = self.name
        _describe(graph.input.add(), _IMAGE, self._input_shape)
        for i in self._order():
            inputs = [_IMAGE if x == INPUT else names[x] for x in layers[i].inputs]
            _write(graph, names[i], layers[i], inputs)
            made = graph.output if i == len(layers) - 1 else graph.value_info
            _describe(made.add(), names[i], layers[i].shape, layers[i].element)
        return model

    def graph(self) -> Graph:
        """Return the graph that a reader makes of the model, without making the model."""
        layers, names, order = self._layers, self._names, self._order()
        builder = GraphBuilder(self.name)
        parameters = {
            i: [
                builder.add_parameter(_tensor(f"{names[i]}/{p.role}", p.shape, p.element, is_parameter=True))
                for p in layers[i].parameters
            ]
            for i in order
        }
        ids = {INPUT: builder.add_input(_tensor(_IMAGE, self._input_shape, FLOAT))}
        for i in order:
            ids[i] = builder.add_tensor(_tensor(names[i], layers[i].shape, layers[i].element))
        for number, i in enumerate(order):
            inputs = (*(ids[x] for x in layers[i].inputs), *parameters[i])
            builder.add_operator(Operator(number, names[i], layers[i].kind, "", inputs, (ids[i],)))
        builder.add_output(ids[len(layers) - 1])
        return builder.build()

    @property
    def parameter_bytes(self) -> int:
        """The bytes of all constant inputs of layers."""
        parameters = (parameter for layer in self._layers for parameter in layer.parameters)
        return sum(_tensor("", parameter.shape, parameter.element).size for parameter in parameters)

    def _order(self) -> Sequence[int]:
        if self._as_made:
            return range(len(self._layers))
        return depth_first(self._names, [[x for x in layer.inputs if x != INPUT] for layer in self._layers])


class BundledNetwork:
    """A network of the zoo: its parameters are its fields."""

    def network(self) -> NetworkBuilder:
        """Return the network, layer by layer."""
        raise NotImplementedError

    def build(self) -> ModelProto:
        """Return the network as an ONNX model."""
        return self.network().model()


def _tensor(name: str, shape: Shape, element: int, *, is_parameter: bool = False) -> Tensor:
    return Tensor(name, *_ELEMENTS[element], shape, is_parameter)


def _write(graph: GraphProto, name: str, layer: Layer, inputs: Sequence[str]) -> None:
    """Add a layer and its parameters to a graph, in place: copying weights would take most of the time."""
    from onnx import AttributeProto  # noqa: PLC0415

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
        values = parameter.values if isinstance(parameter.values, bytes) else parameter.values.packed()
        graph.initializer.add(name=called, data_type=parameter.element, dims=parameter.shape, raw_data=values)


def _describe(value: ValueInfoProto, name: str, shape: Shape, element: int = FLOAT) -> None:
    value.name = name
    tensor = value.type.tensor_type
    tensor.elem_type = element
    for length in shape:
        tensor.shape.dim.add(dim_value=length)
