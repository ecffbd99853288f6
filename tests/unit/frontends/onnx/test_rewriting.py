"""Tiled ONNX models: what is written, what is shared, and what has to stay whole."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import cast

import numpy as np
import onnx
import pytest
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

from hmcos.errors import ModelError
from hmcos.frontends.loading import load
from hmcos.frontends.model import Model
from hmcos.frontends.onnx.format import ONNX
from hmcos.graph.rewrite import PadStep, Rewrite
from hmcos.graph.spelling import Spelling
from hmcos.graph.windows import Barrier, Spatial
from hmcos.memory.target import load_target
from hmcos.transforms.ordered_network import OrderedNetwork, Rules, along
from hmcos.transforms.tile import TiledRegion, expand

IMAGE = ("N", 3, "H", 16)


def model(
    nodes: list[NodeProto],
    parameters: Mapping[str, np.ndarray[tuple[int, ...], np.dtype[np.generic]]],
    shape: tuple[int | str, ...] = (1, 3, 16, 16),
    opset: int = 13,
) -> ModelProto:
    output = nodes[-1].output[0]
    graph = helper.make_graph(
        nodes,
        "images",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info(output, TensorProto.FLOAT, None)],
        [numpy_helper.from_array(value, name) for name, value in parameters.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)


def convolutions(shape: tuple[int | str, ...] = (1, 3, 16, 16)) -> ModelProto:
    w = np.ones((8, 3, 3, 3), np.float32)
    v = np.ones((4, 8, 3, 3), np.float32)
    first = helper.make_node("Conv", ["x", "w"], ["big"], name="first", auto_pad="SAME_UPPER")
    second = helper.make_node("Conv", ["big", "v"], ["y"], name="second", strides=[2, 2])
    return model([first, second], {"w": w, "v": v}, shape)


def network(loaded: Model) -> OrderedNetwork:
    return along(loaded.graph, ONNX.windows(loaded), Rules(load_target("default"), 1, Spelling()))


def tiled(loaded: Model, *regions: TiledRegion) -> Model:
    return ONNX.rewritten(loaded, expand(network(loaded), regions))


def proto(loaded: Model) -> ModelProto:
    return cast(ModelProto, loaded.proto)


def window(*nodes: NodeProto, **parameters: object) -> Spatial | Barrier:
    """What is known of the last of some nodes."""
    values = {name: np.array(value) for name, value in parameters.items()}
    return ONNX.windows(load(model(list(nodes), values, (1, 4, 16, 16))))[-1]


def test_tiles_pad_by_numbers_at_their_own_sides() -> None:
    source = onnx.shape_inference.infer_shapes(convolutions())
    found = proto(tiled(load(source), TiledRegion(0, 2, 2, 1)))
    assert [node.op_type for node in found.graph.node] == [
        *("Slice", "Conv", "Conv"),
        *("Slice", "Conv", "Conv"),
        "Concat",
    ]
    convs = [node for node in found.graph.node if node.op_type == "Conv"]
    pads = [helper.get_node_attr_value(node, "pads") for node in convs]
    assert pads == [[1, 1, 0, 0], [0, 0, 0, 0], [0, 1, 0, 0], [0, 0, 0, 0]]
    assert all(a.name != "auto_pad" for node in convs for a in node.attribute)
    assert [node.input[1] for node in convs] == ["w", "v", "w", "v"]
    onnx.checker.check_model(found, full_check=True)  # pyright: ignore[reportUnknownMemberType]


def test_the_interface_stays_and_names_are_unique() -> None:
    source = onnx.shape_inference.infer_shapes(convolutions())
    taken = source.graph.node.add(op_type="Relu", input=["x"], output=["big_tile_0"], name="first_tile_0")
    source.graph.output.add().name = taken.output[0]
    found = proto(tiled(load(source), TiledRegion(0, 2, 3, 2, 3)))
    assert [v.name for v in found.graph.input] == ["x"]
    assert [v.name for v in found.graph.output] == ["y", "big_tile_0"]
    names = [node.name for node in found.graph.node]
    made = [name for node in found.graph.node for name in node.output]
    assert len(set(names)) == len(names)
    assert len(set(made)) == len(made)
    assert {v.name for v in found.graph.value_info} <= set(made)
    assert "big" not in made


def test_the_source_is_not_changed_and_the_same_input_gives_the_same_file() -> None:
    loaded = load(convolutions())
    before = proto(loaded).SerializeToString()
    files = {proto(tiled(loaded, TiledRegion(0, 2, 3, 1))).SerializeToString() for _ in range(2)}
    assert len(files) == 1
    assert proto(loaded).SerializeToString() == before


def test_bound_rows_are_fixed_and_the_batch_stays_open() -> None:
    loaded = load(convolutions(IMAGE), {"N": 1, "H": 16})
    found = tiled(ONNX.prepared(loaded).model, TiledRegion(0, 2, 2, 1))
    dims = proto(found).graph.input[0].type.tensor_type.shape.dim
    assert (dims[0].dim_param, dims[2].dim_value, dims[2].dim_param) == ("N", 16, "")
    assert found.bind == {"N": 1}


def test_external_data_stays_where_it_is(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    onnx.save(  # pyright: ignore[reportUnknownMemberType]
        convolutions(), path, save_as_external_data=True, location="weights.bin", size_threshold=0
    )
    found = tiled(load(path), TiledRegion(0, 2, 2, 1))
    assert found.data_files == (Path("weights.bin"),)
    assert found.path == path
    weights = {t.name: t for t in proto(found).graph.initializer}
    assert weights["w"].data_location == TensorProto.EXTERNAL
    assert not weights["w"].raw_data


def test_old_models_are_refused_with_the_way_out() -> None:
    old = load(model([helper.make_node("Relu", ["x"], ["y"])], {}, opset=9))
    with pytest.raises(ModelError, match=r"opset 9, and only models from opset 11 .*convert_version"):
        ONNX.windows(old)


def test_padding_of_its_own_is_not_written() -> None:
    loaded = load(convolutions())
    step = PadStep(0, len(loaded.graph.tensors), ((1, 1), (1, 1)), (2, 3), None)
    with pytest.raises(ModelError, match="cannot be told its padding"):
        ONNX.rewritten(loaded, Rewrite((step,)))


@pytest.mark.parametrize(
    ("node", "parameters", "reason"),
    [
        (helper.make_node("GlobalAveragePool", ["x"], ["y"]), {}, "averages over rows and columns"),
        (helper.make_node("Concat", ["x", "x"], ["y"], axis=2), {}, "puts images side by side"),
        (helper.make_node("Softmax", ["x"], ["y"], axis=2), {}, "sums over rows or columns"),
        (helper.make_node("ReduceMean", ["x"], ["y"], axes=[2]), {}, "averages over rows or columns"),
        (
            helper.make_node("MaxPool", ["x"], ["y", "z"], kernel_shape=[2, 2]),
            {},
            "makes indices into the whole image",
        ),
        (
            helper.make_node(
                "AveragePool", ["x"], ["y"], kernel_shape=[2, 2], ceil_mode=1, count_include_pad=1
            ),
            {},
            "counts padding that ceil_mode adds",
        ),
        (
            helper.make_node("Add", ["x", "w"], ["y"]),
            {"w": np.ones((16, 1), np.float32)},
            "reads a parameter with a value per row or column",
        ),
        (
            helper.make_node("Pad", ["x", "w"], ["y"], mode="reflect"),
            {"w": [0, 0, 1, 1, 0, 0, 1, 1]},
            "repeats the image beyond its rim",
        ),
        (
            helper.make_node("Resize", ["x", "", "w"], ["y"]),
            {"w": np.array([1, 1, 1.5, 1.5], np.float32)},
            "resizes by no whole factor",
        ),
        (
            helper.make_node(
                "Resize", ["x", "", "w"], ["y"], coordinate_transformation_mode="align_corners", mode="linear"
            ),
            {"w": np.array([1, 1, 2, 2], np.float32)},
            "places its pixels where no tile can",
        ),
        (helper.make_node("Split", ["x"], ["y", "z"], axis=2), {}, "cuts images apart"),
        (helper.make_node("Transpose", ["x"], ["y"], perm=[0, 2, 3, 1]), {}, "changes the order of the axes"),
    ],
)
def test_what_cannot_run_in_pieces_is_whole(
    node: NodeProto, parameters: dict[str, object], reason: str
) -> None:
    assert window(node, **parameters) == Barrier(reason)


def test_whole_operators_count_their_products() -> None:
    flat = helper.make_node("Flatten", ["x"], ["f"])
    product = helper.make_node("MatMul", ["f", "w"], ["y"])
    found = window(flat, product, w=np.ones((1024, 10), np.float32))
    assert isinstance(found, Barrier)
    assert found.macs == 10240
