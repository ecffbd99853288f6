"""Sizes of inputs: names of dimensions, dimensions without one, and parameters that the caller may feed."""

from __future__ import annotations

import numpy as np
import pytest
from onnx import ModelProto

from hmcos.errors import OptionError, SizeError
from hmcos.frontends.onnx import load
from hmcos.graph.graph import Tensor
from onnx_models import chain, graph, model, node, value, weight


def shapes(made: ModelProto, bind: dict[str, int] | None = None) -> dict[str, tuple[int, ...]]:
    return {t.name: t.shape for t in load(made, bind).graph.tensors}


@pytest.mark.parametrize("missing", [None, -1])
def test_a_leading_dimension_without_a_name_is_one_unless_bound(missing: int | None) -> None:
    made = chain([missing, 4])
    found = load(made)
    assert found.graph.tensors[0].shape == (1, 4)
    assert found.bind == {"x:0": 1}
    assert found.notes == ("the leading dimension x:0 has no name and no size; it counts as 1: --bind x:0=N",)
    assert load(made, {"x:0": 7}).graph.tensors[0].shape == (7, 4)
    assert load(made, {"x:0": 7}).notes == ()
    assert load(made, found.bind).graph == found.graph


def test_leading_dimensions_follow_the_one_that_is_bound() -> None:
    made = model(
        graph(
            [node("Add", "left:0 right", "y")],
            [value("left:0", [None, 3]), value("right", [None, 3])],
            [value("y")],
        )
    )
    assert shapes(made)["y"] == (1, 3)
    assert shapes(made, {"left:0:0": 5})["y"] == (5, 3)


def test_other_dimensions_without_a_name_are_named_by_their_axis() -> None:
    made = chain([2, None, -1])
    with pytest.raises(SizeError, match=r"bind the free symbols x:1, x:2 with --bind"):
        load(made)
    assert shapes(made, {"x:1": 3, "x:2": 5})["t0"] == (2, 3, 5)
    assert load(made, {"x:1": 3, "x:2": 5}).graph.symbols == ("x:1", "x:2")


def test_an_input_without_a_shape_gets_the_axes_that_are_bound() -> None:
    made = chain()
    made.graph.input[0].type.tensor_type.ClearField("shape")
    made.graph.output[0].type.tensor_type.ClearField("shape")
    assert shapes(made, {"x:0": 3, "x:1": 5})["t0"] == (3, 5)
    with pytest.raises(SizeError):
        load(made)


def test_an_axis_may_be_bound_by_its_place_though_it_has_a_name() -> None:
    assert shapes(chain(["batch", 4]), {"x:0": 3})["t0"] == (3, 4)
    assert load(chain(["batch", 4]), {"x:0": 3}).bind == {"batch": 3}
    with pytest.raises(OptionError, match="'x:1' cannot be bound: its size is 4"):
        load(chain(["batch", 4]), {"x:1": 3})
    with pytest.raises(OptionError, match="no dimension 'x:2'"):
        load(chain(["batch", 4]), {"x:2": 3})


@pytest.mark.parametrize(
    "name",
    ["NonZero/encoder/NonZero_output_0_dim_1", "past-length", "/a/b_2/Add_output_0_dim_3", "x:0:1", "k-2nd"],
)
def test_paths_and_other_names_are_bound_whole(name: str) -> None:
    made = chain([name, 4])
    with pytest.raises(SizeError, match=f"bind the free symbols {name} with"):
        load(made)
    assert shapes(made, {name: 6})["t0"] == (6, 4)


def test_names_with_numbers_by_themselves_are_still_expressions() -> None:
    assert load(chain(["h/14", "2*w1"]), {"h": 28, "w1": 3}).graph.symbols == ("h", "w1")


def adapter() -> ModelProto:
    nodes = [
        node("MatMul", "x w", "a"),
        node("MatMul", "x down", "b"),
        node("MatMul", "b up", "c"),
        node("Add", "a c", "y"),
    ]
    inputs = [value("x", [4, 4]), value("down", [4, "r"]), value("up", ["r", 4])]
    weights = [weight("w", [[1.0] * 4] * 4), weight("down", []), weight("up", [])]
    weights[1].dims[:] = [4, 0]
    weights[2].dims[:] = [0, 4]
    return model(graph(nodes, inputs, [value("y", [4, 4])], weights))


def test_parameters_that_may_be_fed_keep_their_values_unless_other_sizes_are_bound() -> None:
    kept = load(adapter())
    assert [kept.graph.tensors[t].name for t in kept.graph.inputs] == ["x"]
    assert next(t for t in kept.graph.tensors if t.name == "b").shape == (4, 0)
    fed = load(adapter(), {"r": 8})
    assert [fed.graph.tensors[t] for t in fed.graph.inputs[1:]] == [
        Tensor("down", "float32", 32, (4, 8)),
        Tensor("up", "float32", 32, (8, 4)),
    ]
    assert "caller feeds" in fed.notes[0]
    assert "down, up" in fed.notes[0]


def test_a_window_larger_than_what_it_reads_is_named() -> None:
    nodes = [
        node("Transpose", "x", "t", perm=[1, 0]),
        node("Unsqueeze", "t zero", "u"),
        node("Conv", "u w", "y"),
        node("Relu", "y", "z"),
    ]
    weights = [weight("w", np.ones((1, 10, 3))), weight("zero", [0], "int64")]
    made = model(graph(nodes, [value("x", [None, 10])], [value("z", [None, None, None])], weights))
    told = "the window of operator 2 \\(Conv\\) is larger than what it reads"
    with pytest.raises(SizeError, match=f"{told}; by default x:0 counts as 1: --bind x:0=N") as raised:
        load(made)
    assert raised.value.unbound == ("x:0",)
    with pytest.raises(SizeError, match=f"{told}: bind larger sizes"):
        load(made, {"x:0": 1})
    assert load(made, {"x:0": 3}).graph.tensors[-1].shape == (1, 1, 1)
