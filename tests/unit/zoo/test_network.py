import pytest
from onnx import ModelProto, TensorProto

from hmcos.zoo.network import INPUT, Layer, NetworkBuilder, Parameter
from hmcos.zoo.weights import repeated


def _relu(x: int) -> Layer:
    return Layer("Relu", (x,), (1, 2, 4, 4), {}, ())


@pytest.fixture
def network() -> NetworkBuilder:
    return NetworkBuilder("small", (1, 2, 4, 4))


def _described(model: ModelProto) -> list[tuple[str, list[str], list[str]]]:
    return [(node.op_type, list(node.input), list(node.output)) for node in model.graph.node]


def test_layers_are_counted_per_family(network: NetworkBuilder) -> None:
    drawn = [network.number(family) for family in ("conv2d", "conv2d", "add", "conv2d")]
    assert drawn == ["conv2d", "conv2d_1", "add", "conv2d_2"]


def test_equal_layers_are_one_and_go_by_the_last_name(network: NetworkBuilder) -> None:
    first = network.append_once("re_lu", _relu(INPUT))
    assert network.append_once("re_lu_1", _relu(INPUT)) == first
    assert _described(network.model()) == [("Relu", ["image"], ["re_lu_1"])]


def test_layers_that_differ_in_an_attribute_are_two(network: NetworkBuilder) -> None:
    def pool(stride: int) -> Layer:
        return Layer("MaxPool", (INPUT,), (1, 2, 4, 4), {"strides": (stride, stride)}, ())

    assert network.append_once("a", pool(1)) != network.append_once("b", pool(2))


@pytest.mark.parametrize(("as_made", "order"), [(True, "bacd"), (False, "bdac")])
def test_layers_stand_depth_first_or_as_they_were_made(as_made: bool, order: str) -> None:
    network = NetworkBuilder("small", (1, 2, 4, 4), as_made=as_made)
    first = network.append("b", _relu(INPUT))
    other = network.append("a", _relu(INPUT))
    network.append("c", Layer("Add", (first, other), (1, 2, 4, 4), {}, ()))
    network.append("d", Layer("Add", (first, first), (1, 2, 4, 4), {}, ()))
    assert [node.name for node in network.model().graph.node] == list(order)
    assert [op.name for op in network.graph().operators] == list(order)


def test_a_tensor_has_the_element_of_its_layer(network: NetworkBuilder) -> None:
    network.append("cast", Layer("Cast", (INPUT,), (1, 2, 4, 4), {"to": 3}, (), TensorProto.INT8))
    assert network.model().graph.output[0].type.tensor_type.elem_type == TensorProto.INT8


def test_the_input_has_a_shape_too(network: NetworkBuilder) -> None:
    made = network.append("relu", Layer("Relu", (INPUT,), (9,), {}, ()))
    assert (network.shape(INPUT), network.shape(made)) == ((1, 2, 4, 4), (9,))


def test_the_model_has_shapes_attributes_and_parameters(network: NetworkBuilder) -> None:
    scale = Parameter("scale", (2,), repeated(2, 1.0))
    attributes = {"axis": 1, "epsilon": 0.5, "pads": (1, 2)}
    custom = network.append("custom", Layer("Custom", (INPUT,), (1, 2, 4, 4), attributes, (scale,)))
    network.append("re_lu", _relu(custom))
    graph = network.model().graph
    assert list(graph.node[0].input) == ["image", "custom/scale"]
    assert [(a.name, a.i, a.f, list(a.ints)) for a in graph.node[0].attribute] == [
        ("axis", 1, 0.0, []),
        ("epsilon", 0, 0.5, []),
        ("pads", 0, 0.0, [1, 2]),
    ]
    assert [(w.name, list(w.dims), w.raw_data) for w in graph.initializer] == [
        ("custom/scale", [2], b"\x00\x00\x80\x3f" * 2)
    ]
    assert [value.name for value in graph.value_info] == ["custom"]
    assert [value.name for value in graph.output] == ["re_lu"]
    assert [d.dim_value for d in graph.output[0].type.tensor_type.shape.dim] == [1, 2, 4, 4]
