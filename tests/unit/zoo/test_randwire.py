import importlib
from collections import Counter
from typing import Any

import pytest
from onnx import ModelProto

from hmcos.errors import OptionError
from hmcos.zoo.randwire import RandWire

checker: Any = importlib.import_module("onnx.checker")

WIRING = [(), (0,), (0, 1), (1,)]
"""One input, two ends (2 and 3), one sum."""


def _kinds(model: ModelProto) -> Counter[str]:
    return Counter(node.op_type for node in model.graph.node)


def test_operators_of_a_given_wiring() -> None:
    model = RandWire(nodes=4, k=2, channels=4, stages=1).wired([WIRING]).model()
    checker.check_model(model, full_check=True)
    assert _kinds(model) == {
        "Conv": 2 + 2 * 4 + 1,
        "Relu": 4 + 1,
        "Unsqueeze": 2 + 2,
        "Concat": 2,
        "MatMul": 1 + 1,
        "Squeeze": 1 + 1,
        "ReduceMean": 1,
        "GlobalAveragePool": 1,
    }


def test_a_sum_can_be_one_operator() -> None:
    model = RandWire(nodes=4, k=2, channels=4, stages=1, fold_sums=True).wired([WIRING]).model()
    checker.check_model(model, full_check=True)
    assert _kinds(model) == {
        "Conv": 11,
        "Relu": 5,
        "Sum": 1,
        "Mean": 1,
        "GlobalAveragePool": 1,
        "Squeeze": 1,
        "MatMul": 1,
    }


def test_a_single_end_needs_no_mean() -> None:
    assert "ReduceMean" not in _kinds(RandWire(stages=1).wired([[(), (0,), (1,)]]).model())


def test_stages_halve_the_image_and_double_the_channels() -> None:
    model = RandWire(nodes=8, channels=6, stages=3).build()
    shapes = {v.name: [d.dim_value for d in v.type.tensor_type.shape.dim] for v in model.graph.value_info}
    convolutions = [shapes[f"separable_conv2d_{8 * stage + 7}"] for stage in range(3)]
    assert convolutions == [[1, 6, 28, 28], [1, 12, 14, 14], [1, 24, 7, 7]]


def test_images_with_channels_last_are_transposed() -> None:
    model = RandWire(nodes=4, k=2, channels=4, stages=1, layout="nhwc").wired([WIRING]).model()
    checker.check_model(model, full_check=True)
    assert [d.dim_value for d in model.graph.input[0].type.tensor_type.shape.dim] == [1, 224, 224, 3]
    assert model.graph.node[0].op_type == "Transpose"


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"k": 3}, "zoo: k is 3: it must be even and below nodes (32)"),
        ({"nodes": 4}, "zoo: k is 4: it must be even and below nodes (4)"),
        ({"layout": True}, "zoo: layout is True: it must be nchw or nhwc"),
        ({"p": 1.5}, "zoo: p is 1.5: it must be between 0 and 1"),
        ({"p": "a"}, "zoo: p is 'a': it must be between 0 and 1"),
        ({"stages": 0}, "zoo: stages is 0: it must be a whole number, at least 1"),
        ({"seed": -1}, "zoo: seed is -1: it must be a whole number, at least 0"),
        ({"fold_sums": 1}, "zoo: fold_sums is 1: it must be True or False"),
    ],
)
def test_wrong_parameters(parameters: dict[str, object], message: str) -> None:
    untyped: Any = RandWire
    with pytest.raises(OptionError) as error:
        untyped(**parameters)
    assert str(error.value) == message
