"""Small ONNX models for the tests of the frontends."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
from onnx import (
    FunctionProto,
    GraphProto,
    ModelProto,
    NodeProto,
    TensorProto,
    ValueInfoProto,
    helper,
    numpy_helper,
)

Shape = Sequence[int | str | None]
FLOAT, INT64, BOOL = TensorProto.FLOAT, TensorProto.INT64, TensorProto.BOOL


def value(name: str, shape: Shape | None = None, element: int = FLOAT) -> ValueInfoProto:
    """Return a named value with a shape; without one, its type is left out."""
    return ValueInfoProto(name=name) if shape is None else helper.make_tensor_value_info(name, element, shape)


def node(kind: str, reads: str, makes: str, **attributes: object) -> NodeProto:
    """Return a node; names are separated by blanks, `_` is an empty name."""
    inputs = [name.replace("_", "") for name in reads.split()]
    outputs = [name.replace("_", "") for name in makes.split()]
    domain, _, op_type = kind.rpartition("::")
    return helper.make_node(op_type, inputs, outputs, domain=domain, **attributes)  # pyright: ignore[reportArgumentType]


def weight(name: str, values: object, dtype: str = "float32") -> TensorProto:
    return numpy_helper.from_array(np.array(values, dtype=dtype), name)


def graph(
    nodes: Sequence[NodeProto],
    inputs: Sequence[ValueInfoProto],
    outputs: Sequence[ValueInfoProto],
    weights: Sequence[TensorProto] = (),
    infos: Sequence[ValueInfoProto] = (),
) -> GraphProto:
    made = helper.make_graph(list(nodes), "test", list(inputs), list(outputs), list(weights))
    made.value_info.extend(infos)
    return made


def model(
    made: GraphProto,
    opset: int = 17,
    domains: Mapping[str, int] | None = None,
    functions: Sequence[FunctionProto] = (),
) -> ModelProto:
    imports = {"": opset, **(domains or {})}
    return helper.make_model(
        made,
        ir_version=10,
        opset_imports=[helper.make_opsetid(domain, version) for domain, version in imports.items()],
        functions=list(functions),
    )


def chain(shape: Shape = (2, 3), length: int = 3) -> ModelProto:
    """Return a chain of Relu nodes from x to t{length-1}."""
    names = ["x", *(f"t{k}" for k in range(length))]
    nodes = [node("Relu", a, b, name=f"n{k}") for k, (a, b) in enumerate(pairwise(names))]
    return model(graph(nodes, [value("x", shape)], [value(names[-1], shape)]))


def diamond() -> ModelProto:
    """Return a model whose two branches may run in either order."""
    nodes = [
        node("Relu", "x", "a", name="a"),
        node("MatMul", "a w", "b", name="b"),
        node("Neg", "a", "c", name="c"),
        node("Abs", "c", "d", name="d"),
        node("Add", "b d", "e", name="e"),
    ]
    return model(graph(nodes, [value("x", [2, 4])], [value("e", [2, 4])], [weight("w", np.eye(4))]))


def external_diamond(folder: Path, location: str, *, written: bool = True, name: str = "model.onnx") -> Path:
    """Return the file of a diamond in a folder, its weight in a file of its own, if that is `written`."""
    made = diamond()
    folder.mkdir(parents=True, exist_ok=True)
    if written:
        (folder / location).parent.mkdir(parents=True, exist_ok=True)
        (folder / location).write_bytes(made.graph.initializer[0].raw_data)
    made.graph.initializer[0].ClearField("raw_data")
    made.graph.initializer[0].data_location = TensorProto.EXTERNAL
    made.graph.initializer[0].external_data.add(key="location", value=location)
    (folder / name).write_bytes(made.SerializeToString())
    return folder / name


def loop() -> ModelProto:
    """Return a Loop that carries r, reads x from outside and holds a weight, on a symbolic batch."""
    inside = graph(
        [
            node("Add", "carried carried", "c1"),
            node("MatMul", "c1 inner", "c2"),
            node("Add", "c2 x", "c3"),
            node("Identity", "going", "on"),
        ],
        [value("step"), value("going"), value("carried")],
        [value("on"), value("c3")],
        [weight("inner", np.eye(3))],
    )
    nodes = [node("Relu", "x", "r"), node("Loop", "trips going0 r", "z", body=inside), node("Relu", "z", "y")]
    inputs = [value("x", ["batch", 3]), value("going0", [], BOOL), value("trips", [], INT64)]
    return model(graph(nodes, inputs, [value("y", ["batch", 3])]))


def branches() -> ModelProto:
    """Return an If whose branches read x from outside, the first with a nested If."""
    deep = graph([node("Exp", "x", "e1"), node("Abs", "e1", "e2")], [], [value("e2")])
    flat = graph([node("Sin", "n1", "s1")], [], [value("s1")])
    then = graph(
        [
            node("Neg", "x", "n1"),
            node("If", "flag", "n2", then_branch=deep, else_branch=flat),
            node("Abs", "n1", "n3"),
            node("Add", "n2 n3", "n4"),
        ],
        [],
        [value("n4")],
    )
    other = graph([node("Cos", "x", "o1")], [], [value("o1")])
    nodes = [node("Relu", "x", "r"), node("If", "flag", "y", then_branch=then, else_branch=other)]
    inputs = [value("x", [2, 3]), value("flag", [], BOOL)]
    return model(graph(nodes, inputs, [value("y"), value("r")]))
