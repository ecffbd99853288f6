"""What reads an If whose branches differ in rank has bounds over both of them."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any, cast

import numpy as np
import pytest
from onnx import ModelProto, NodeProto, TensorProto, ValueInfoProto
from onnx.reference import ReferenceEvaluator

from hmcos.errors import SizeError
from hmcos.frontends.onnx import load
from onnx_models import graph, model, node, value, weight


def built(nodes: Sequence[NodeProto], shapes: tuple[list[int], list[int]] = ([16, 1], [15])) -> ModelProto:
    """Return a model of which an If makes `y` in one of two shapes, and z of it."""
    branches = [
        graph([node("Expand", f"one {name}", f"{name}.made")], [], [ValueInfoProto(name=f"{name}.made")])
        for name in ("a", "b")
    ]
    choice = node("If", "c", "y", then_branch=branches[0], else_branch=branches[1])
    weights = [
        weight("one", 1.0),
        weight("a", shapes[0], "int64"),
        weight("b", shapes[1], "int64"),
        weight("column", [[1.0]] * 16),
        weight("zero", [0], "int64"),
        weight("whole", [-1], "int64"),
    ]
    inputs = [value("c", [], TensorProto.BOOL)]
    return model(graph([choice, *nodes], inputs, [ValueInfoProto(name="z")], weights), 17)


READERS: dict[str, list[NodeProto]] = {
    "a sum with 16 rows": [node("Add", "y column", "z")],
    "a sum behind an activation": [node("Relu", "y", "r"), node("Add", "r column", "z")],
    "a sum with itself, activated": [node("Relu", "y", "r"), node("Add", "r y", "z")],
    "a product of matrices": [node("MatMul", "y column", "z")],
    "all in one row": [node("Reshape", "y whole", "z")],
    "places of what is not zero": [node("NonZero", "y", "z")],
    "one axis more": [node("Unsqueeze", "y zero", "z")],
    "its sizes": [node("Shape", "y", "z")],
    "its number of elements": [node("Size", "y", "n"), node("Expand", "one m", "z")],
}


@pytest.mark.parametrize("case", READERS)
def test_no_run_makes_more_than_the_bound(case: str) -> None:
    nodes = list(READERS[case])
    if case == "its number of elements":
        nodes.insert(1, node("Reshape", "n whole", "m"))
    shapes = ([2, 16], [16]) if case == "a product of matrices" else ([16, 1], [15])
    made = built(nodes, shapes)
    bound = next(tensor for tensor in load(made).graph.tensors if tensor.name == "z")
    runs, most = ReferenceEvaluator(made), 0
    for c in (True, False):
        (z,) = cast("list[Any]", runs.run(None, {"c": np.array(c)}))  # pyright: ignore[reportUnknownMemberType]
        most = max(most, z.size)
    assert bound.at_most
    assert prod(bound.shape) == most


def test_branches_of_one_rank_have_the_larger_size_of_each_axis() -> None:
    made = load(built([node("Relu", "y", "z")], ([2, 8], [5, 1])))
    found = {tensor.name: (tensor.shape, tensor.at_most) for tensor in made.graph.tensors}
    assert found["y"] == found["z"] == ((5, 8), True)


def test_the_note_says_what_counts_behind_branches_of_other_ranks() -> None:
    (note,) = load(built([node("Relu", "y", "z")])).notes
    assert note == (
        "operator 0 (If): its branches make different shapes; the larger one counts; "
        "what is behind it counts as the one that makes more of it"
    )


def test_a_scalar_that_may_be_a_vector_is_a_bound() -> None:
    made = load(built([node("Relu", "y", "z")], ([], [1])))
    assert all(tensor.at_most for tensor in made.graph.tensors if tensor.name in "yz")


def test_two_results_of_one_if_have_the_shapes_of_the_same_branch() -> None:
    """A sum of [4] and [5, 3] would fail, but no run makes it."""
    branches = [
        graph(
            [node("Expand", f"one {name}", f"{name}.{n}") for n in (1, 2)],
            [],
            [ValueInfoProto(name=f"{name}.{n}") for n in (1, 2)],
        )
        for name in ("a", "b")
    ]
    nodes = [
        node("If", "c", "y w", then_branch=branches[0], else_branch=branches[1]),
        node("Add", "y w", "z"),
    ]
    weights = [weight("one", 1.0), weight("a", [4], "int64"), weight("b", [5, 3], "int64")]
    inputs = [value("c", [], TensorProto.BOOL)]
    made = load(model(graph(nodes, inputs, [ValueInfoProto(name="z")], weights), 17))
    assert next(tensor.shape for tensor in made.graph.tensors if tensor.name == "z") == (5, 3)


def test_what_has_no_bound_over_both_is_refused_and_can_be_bound() -> None:
    """Sizes that are computed from a shape of unknown rank are not followed."""
    made = built([node("Shape", "y", "s"), node("Expand", "column s", "z")], ([16, 1], [15]))
    with pytest.raises(SizeError, match="z:0=N"):
        load(made)
    found = load(made, {"z:0": 16, "z:1": 15}).graph.tensors
    assert next(tensor.at_most for tensor in found if tensor.name == "z")
