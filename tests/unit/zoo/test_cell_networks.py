import importlib
from collections import Counter
from typing import Any, ClassVar

import pytest
from onnx import ModelProto, NodeProto

from hmcos.errors import OptionError
from hmcos.zoo.cell_networks import CellDesign, CellNetwork, Operation

checker: Any = importlib.import_module("onnx.checker")


class Tiny(CellNetwork):
    """Two blocks that use both earlier cells."""

    family = "tiny"
    normal: ClassVar[CellDesign] = CellDesign(
        ((("identity", 1), ("separable 3x3", 0)), (("max 3x3", 2), ("max 3x3", 2))), (0, 3)
    )
    reduction: ClassVar[CellDesign] = CellDesign(((("max 3x3", 0), ("average 3x3", 1)),), (2,))


def _kinds(model: ModelProto) -> Counter[str]:
    return Counter(node.op_type for node in model.graph.node)


def _shapes(model: ModelProto) -> dict[str, list[int]]:
    return {v.name: [d.dim_value for d in v.type.tensor_type.shape.dim] for v in model.graph.value_info}


def _dilated(node: NodeProto) -> bool:
    return any(attribute.name == "dilations" and attribute.ints[0] > 1 for attribute in node.attribute)


@pytest.mark.parametrize("dataset", ["cifar", "imagenet"])
def test_stacking(dataset: str) -> None:
    model = Tiny(dataset=dataset, cells=2, filters=4).build()
    checker.check_model(model, full_check=True)
    shapes = _shapes(model)
    cells = [shape[1:] for name, shape in shapes.items() if name.startswith("concatenate")]
    if dataset == "cifar":
        assert shapes["conv2d"] == [1, 32, 32, 32]
        assert sorted(cells, reverse=True) == (
            [[32, 8, 8]] * 2 + [[16, 16, 16]] * 2 + [[16, 8, 8]] * 2 + [[8, 32, 32]] * 2 + [[8, 16, 16]] * 2
        )
    else:
        assert shapes["conv2d"] == [1, 32, 112, 112]
        assert [8, 56, 56] in cells
        assert [16, 28, 28] in cells
        assert [128, 7, 7] in cells


def test_the_first_cell_reads_the_stem_once() -> None:
    nodes = Tiny(cells=2).build().graph.node
    stem = next(node.output[0] for node in nodes if node.input[0] == "conv2d")
    assert sorted(node.name for node in nodes if stem in node.input) == ["conv2d_1", "conv2d_3"]


def test_an_earlier_cell_of_another_size_is_halved_by_two_paths() -> None:
    kinds = _kinds(Tiny(cells=1).build())
    assert kinds["Pad"] == kinds["Slice"] == 2
    assert kinds["BatchNormalization"] == 2


def test_adding_a_pool_to_itself_makes_one_pool() -> None:
    model = Tiny(cells=1).build()
    adds = [list(node.input) for node in model.graph.node if node.op_type == "Add"]
    assert sum(first == second for first, second in adds) == 3


@pytest.mark.parametrize(
    ("operation", "expected"),
    [
        ("average 1x1", {"AveragePool": 1}),
        ("average 3x3", {"AveragePool": 1}),
        ("max 3x3", {"MaxPool": 1}),
        ("separable 7x7", {"Relu": 2, "Conv": 4}),
        ("dilated separable 3x3", {"Relu": 1, "Conv": 2}),
        ("1x7 then 7x1", {"Conv": 2}),
        ("identity", {}),
    ],
)
def test_operators_of_a_branch(operation: Operation, expected: dict[str, int]) -> None:
    def kinds(branch: Operation) -> Counter[str]:
        class One(CellNetwork):
            family = "one"
            normal = CellDesign((((branch, 1), ("identity", 0)),), (2,))
            reduction = CellDesign(((("max 3x3", 0), ("max 3x3", 1)),), (2,))

        model = One(cells=1, filters=2).build()
        checker.check_model(model, full_check=True)
        assert any(_dilated(node) for node in model.graph.node) == branch.startswith("dilated")
        return _kinds(model)

    assert kinds(operation) - kinds("identity") == {kind: 3 * n for kind, n in expected.items()}


def test_parameters_reach_the_model() -> None:
    model = Tiny(cells=1, filters=3, classes=7, batch=2, fold_batch_norm=False).build()
    checker.check_model(model, full_check=True)
    assert [d.dim_value for d in model.graph.output[0].type.tensor_type.shape.dim] == [2, 7]
    assert _kinds(model)["BatchNormalization"] > 2
    assert _shapes(model)["conv2d_1"] == [2, 3, 32, 32]


def test_images_with_channels_last_are_transposed_once() -> None:
    first, last = (Tiny(cells=1, filters=3, batch=2, layout=layout).build() for layout in ("nchw", "nhwc"))
    checker.check_model(last, full_check=True)
    assert [d.dim_value for d in last.graph.input[0].type.tensor_type.shape.dim] == [2, 32, 32, 3]
    assert _kinds(last) - _kinds(first) == {"Transpose": 1}
    assert _shapes(last) == {**_shapes(first), "transpose": [2, 3, 32, 32]}


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"dataset": "mnist"}, "zoo: dataset is 'mnist': it must be cifar or imagenet"),
        ({"layout": "chw"}, "zoo: layout is 'chw': it must be nchw or nhwc"),
        ({"cells": 0}, "zoo: cells is 0: it must be a whole number, at least 1"),
        ({"filters": "8"}, "zoo: filters is '8': it must be a whole number, at least 1"),
        ({"classes": 0}, "zoo: classes is 0: it must be a whole number, at least 1"),
        ({"batch": True}, "zoo: batch is True: it must be a whole number, at least 1"),
        ({"seed": -1}, "zoo: seed is -1: it must be a whole number, at least 0"),
        ({"fold_batch_norm": None}, "zoo: fold_batch_norm is None: it must be True or False"),
    ],
)
def test_wrong_parameters(parameters: dict[str, object], message: str) -> None:
    untyped: Any = Tiny
    with pytest.raises(OptionError) as error:
        untyped(**parameters)
    assert str(error.value) == message
