"""Build a Graph from a subgraph of the file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import prod

from hmcos.errors import ModelError
from hmcos.frontends.tflite.calls import calls_of
from hmcos.frontends.tflite.operator_codes import is_stateful, kind_of
from hmcos.frontends.tflite.schema import (
    ELEMENTS,
    ModelT,
    OperatorT,
    SubGraphT,
    TensorT,
    bytes_of,
    integers,
    text,
    words,
)
from hmcos.frontends.tflite.sizes import Place, Shape, is_fixed
from hmcos.graph.builder import GraphBuilder
from hmcos.graph.graph import Body, Graph, Operator, Tensor
from hmcos.memory.problem import LARGEST

NO_BOUNDS: Mapping[Place, Shape] = {}


def read_subgraph(
    model: ModelT,
    index: int,
    known: dict[int, Graph] | None = None,
    bounds: Mapping[Place, Shape] = NO_BOUNDS,
) -> Graph:
    """Return a subgraph with the bodies of its operators; tensor ids are those of the file.

    A subgraph that several operators run is one graph, the same object in each of them; `known` holds those
    made so far. `bounds` are the sizes of tensors that depend on data, at most. Recurses as deep as subgraphs
    call each other, which `calls.paths` has checked.

    Raises:
        ModelError: the subgraph cannot be scheduled; names operator and tensor.
    """
    made = {} if known is None else known
    if index not in made:
        made[index] = _Reading(model, index, made, bounds).graph()
    return made[index]


def tensor_title(index: int, tensor: TensorT) -> str:
    """Return a tensor as messages name it."""
    return f"tensor {index} ({text(tensor.name)!r})"


@dataclass
class _Reading:
    model: ModelT
    index: int
    known: dict[int, Graph]
    bounds: Mapping[Place, Shape]

    def __post_init__(self) -> None:
        self.subgraph: SubGraphT = (self.model.subgraphs or [])[self.index]
        self.tensors = self.subgraph.tensors or []
        self.operators = self.subgraph.operators or []
        self.builder = GraphBuilder(text(self.subgraph.name))

    def graph(self) -> Graph:
        inputs = tuple(dict.fromkeys(self.ids(self.subgraph.inputs, "the inputs")))
        outputs = self.ids(self.subgraph.outputs, "the outputs")
        made = {t for number, op in enumerate(self.operators) for t in self.outputs_of(number, op)}
        for i, tensor in enumerate(self.tensors):
            self.add_tensor(i, tensor, is_input=i in inputs, is_made=i in made)
        for number, operator in enumerate(self.operators):
            self.builder.add_operator(self.operator(number, operator))
        for t in outputs:
            self.builder.add_output(t)
        graph = self.builder.build()
        fed = set(graph.inputs)
        # Tensors were added by number, but inputs are fed in the order of the file.
        return replace(graph, inputs=tuple(t for t in inputs if t in fed))

    def ids(self, listed: Sequence[int] | None, where: str) -> tuple[int, ...]:
        """Return tensor ids of a list that has no optional entries."""
        return tuple(t for t in self.optional_ids(listed, where) if t is not None)

    def optional_ids(self, listed: Sequence[int] | None, where: str) -> tuple[int | None, ...]:
        ids: list[int | None] = []
        for t in integers(listed):
            if not -1 <= t < len(self.tensors):
                raise ModelError(f"{where} name tensor {t}; there are {len(self.tensors)}")
            ids.append(None if t == -1 else t)
        return tuple(ids)

    def outputs_of(self, number: int, operator: OperatorT) -> tuple[int, ...]:
        return self.ids(operator.outputs, f"the outputs of operator {number}")

    def add_tensor(self, index: int, tensor: TensorT, *, is_input: bool, is_made: bool) -> None:
        """Add a tensor by its role: constant, variable, input or computed."""
        constant = self.has_data(tensor)
        known = self.tensor(index, tensor, is_parameter=constant)
        if constant:
            self.builder.add_parameter(known)
        elif tensor.isVariable and not is_made:
            # A variable has memory of its own in all runs (docs/tflite.md), so its cost does not depend on
            # order or offsets. The results of its readers still differ between runs.
            self.builder.add_captured(known, is_constant=False)
        elif is_input:
            self.builder.add_input(known)
        elif not is_made and not known.size:
            self.builder.add_parameter(known)
        else:
            self.builder.add_tensor(known)

    def has_data(self, tensor: TensorT) -> bool:
        buffers = self.model.buffers or []
        return not tensor.isVariable and bytes_of(buffers[tensor.buffer]) > 0

    def tensor(self, index: int, tensor: TensorT, *, is_parameter: bool) -> Tensor:
        bound = self.bounds.get((self.index, index))
        shape = tuple(integers(tensor.shape)) if bound is None else bound
        title = tensor_title(index, tensor)
        word = words("TensorType").get(tensor.type)
        if word is None:
            raise ModelError(f"{title}: element type {tensor.type} is in no version of the schema known here")
        if word not in ELEMENTS and is_parameter:
            return Tensor(text(tensor.name), word.lower(), 8, shape)
        if word not in ELEMENTS:
            raise ModelError(f"{title}: holds {word.lower()}, of which the size is not known before it runs")
        if not is_parameter and bound is None:
            _check_fixed(title, tensor)
        element, bits = ELEMENTS[word]
        if prod(shape) * bits >= LARGEST:
            raise ModelError(f"{title}: its shape {list(shape)} needs more than 2**63 bytes")
        return Tensor(text(tensor.name), element, bits, shape, at_most=bound is not None)

    def operator(self, number: int, operator: OperatorT) -> Operator:
        kind, domain = kind_of(self.model, number, operator)
        where = f"the inputs of operator {number} ({kind})"
        inputs = self.optional_ids(operator.inputs, where)
        bodies = tuple(
            Body(call.role, read_subgraph(self.model, call.subgraph, self.known, self.bounds))
            for call in calls_of(self.model, number, operator)
        )
        variable = any(t is not None and self.tensors[t].isVariable for t in inputs)
        inner = any(op.is_random for body in bodies for op in body.graph.operators)
        return Operator(
            number=number,
            name=self.operator_name(number, kind),
            kind=kind,
            domain=domain,
            inputs=inputs,
            outputs=self.outputs_of(number, operator),
            bodies=bodies,
            is_random=is_stateful(kind, domain) or variable or inner,
        )

    def operator_name(self, number: int, kind: str) -> str:
        """Return a name that is unique in the model, for targets to use; the format itself has none."""
        where = f" of subgraph {self.index}" if self.index else ""
        return f"{kind} {number}{where}"


def _check_fixed(title: str, tensor: TensorT) -> None:
    """Check that a tensor's size is fixed.

    Raises:
        ModelError: a dimension is known only at run time.
    """
    if not is_fixed(tensor):
        shape = integers(tensor.shapeSignature) or integers(tensor.shape)
        raise ModelError(f"{title}: has the dynamic shape {shape}; convert the model with fixed sizes")
