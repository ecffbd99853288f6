"""ONNX nodes as tiling reads them: attributes, images, and the values of small parameters."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import cast

import numpy as np
from onnx import AttributeProto, ModelProto, NodeProto, TensorProto, numpy_helper

from hmcos.errors import ModelError
from hmcos.frontends.model import Model
from hmcos.frontends.onnx.external_data import is_external
from hmcos.graph.graph import Graph, Operator, Tensor
from hmcos.graph.kinds import STANDARD_DOMAINS

LEAST_OPSET = 11
"""Before it, pads and sizes are attributes, and other operators round otherwise."""
MOST_VALUES = 4096
"""Elements of a parameter whose values are looked at."""


class Refusal(Exception):  # noqa: N818 (no error: the operator becomes a barrier)
    """Why an operator has to stay whole."""


@dataclass(frozen=True)
class Node:
    """An operator with its node, and what it needs to be understood."""

    op: Operator
    proto: NodeProto
    graph: Graph
    opset: int
    constants: dict[str, TensorProto]
    """The values that stand in the file, by name."""

    @cached_property
    def attributes(self) -> dict[str, AttributeProto]:
        """Attributes by name."""
        return {attribute.name: attribute for attribute in self.proto.attribute}

    def number(self, name: str, default: int) -> int:
        """Return an integer attribute."""
        return self.attributes[name].i if name in self.attributes else default

    def numbers(self, name: str, default: list[int]) -> list[int]:
        """Return an attribute that lists integers."""
        return list(self.attributes[name].ints) if name in self.attributes else default

    def text(self, name: str, default: str) -> str:
        """Return an attribute that is a text."""
        return self.attributes[name].s.decode(errors="replace") if name in self.attributes else default

    def tensor(self, position: int) -> Tensor | None:
        """Return an input, None where it is left out."""
        return self.graph.input_of(self.op, position)

    def data(self, position: int = 0) -> Tensor:
        """Return an input that is an image."""
        tensor = self.tensor(position)
        if tensor is None or len(tensor.shape) != 4:
            raise Refusal("reads what is no image of four axes")
        return tensor

    @property
    def made(self) -> Tensor:
        """The first output, an image."""
        if not self.op.outputs or self.op.outputs[0] is None:
            raise Refusal("makes no image of four axes")
        tensor = self.graph.tensors[self.op.outputs[0]]
        if len(tensor.shape) != 4 or 0 in tensor.shape:
            raise Refusal("makes no image of four axes")
        return tensor

    def values(self, position: int) -> list[float] | None:
        """Return the numbers in a small parameter; None where they are not known."""
        tensor = self.tensor(position)
        stored = self.constants.get(self.proto.input[position]) if tensor is not None else None
        if stored is None or tensor is None or tensor.elements > MOST_VALUES or is_external(stored):
            return None
        try:
            return cast("list[float]", np.asarray(numpy_helper.to_array(stored)).ravel().tolist())
        except Exception:  # a damaged tensor: numpy_helper raises anything
            return None


def nodes(model: Model) -> list[Node]:
    """Return the operators of a model's main graph with their nodes.

    Raises:
        ModelError: the model's opset is older than what tiling knows.
    """
    proto = cast(ModelProto, model.proto)
    opset = max((e.version for e in proto.opset_import if e.domain in STANDARD_DOMAINS), default=1)
    if opset < LEAST_OPSET:
        raise ModelError(
            f"the model is of opset {opset}, and only models from opset {LEAST_OPSET} on can be tiled; "
            f"convert it with onnx.version_converter.convert_version(model, {LEAST_OPSET + 2})"
        )
    constants = {tensor.name: tensor for tensor in proto.graph.initializer}
    for node in proto.graph.node:
        if node.op_type == "Constant" and node.attribute and node.attribute[0].HasField("t"):
            constants[node.output[0]] = node.attribute[0].t
    return [
        Node(op, node, model.graph, opset, constants)
        for op, node in zip(model.graph.operators, proto.graph.node, strict=True)
    ]


def all_pads(node: Node) -> list[int] | None:
    """Return what a Pad adds at the begin of all axes and then at their end; None where it is computed."""
    values = node.values(1)
    axes = [0, 1, 2, 3]
    if node.tensor(3) is not None:
        listed = node.values(3)
        if listed is None:
            return None
        axes = [int(axis) % 4 for axis in listed]
    if values is None or len(values) != 2 * len(axes):
        return None
    found = [0] * 8
    for i, axis in enumerate(axes):
        found[axis], found[4 + axis] = int(values[i]), int(values[len(axes) + i])
    return found
