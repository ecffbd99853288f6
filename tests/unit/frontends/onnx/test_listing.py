"""What is read once must say the same as the messages, and a model that is only lowered is not copied."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from onnx import ModelProto

import hmcos
from hmcos.errors import ModelError
from hmcos.frontends.loading import borrow, load
from hmcos.frontends.onnx.body_graphs import graphs
from hmcos.frontends.onnx.listing import dimensions, is_executable, listed
from hmcos.zoo.catalogue import build
from onnx_models import BOOL, graph, model, node, value


def small() -> ModelProto:
    return build("nasnet", cells=1, filters=4)


def test_a_borrowed_model_has_the_network_of_a_copied_one_and_no_digest() -> None:
    source = small()
    before = source.SerializeToString(deterministic=True)
    borrowed, loaded = borrow(source), load(source)
    assert borrowed.graph == loaded.graph
    assert borrowed.parameter_bytes == loaded.parameter_bytes
    assert borrowed.proto is source
    assert (borrowed.sha256, borrowed.file_bytes) == ("", 0)
    assert source.SerializeToString(deterministic=True) == before


def forget(proto: ModelProto) -> None:
    del proto.graph.value_info[:]


def forget_a_size(proto: ModelProto) -> None:
    proto.graph.value_info[5].type.tensor_type.shape.dim[2].Clear()


def lie(proto: ModelProto) -> None:
    for info in proto.graph.value_info[::3]:
        info.type.tensor_type.shape.dim[1].dim_value += 1


def lie_of_elements(proto: ModelProto) -> None:
    proto.graph.value_info[7].type.tensor_type.elem_type = 11


@pytest.mark.parametrize("change", [forget, forget_a_size, lie, lie_of_elements])
def test_written_shapes_that_are_missing_or_wrong_change_nothing(
    change: Callable[[ModelProto], None],
) -> None:
    changed = small()
    change(changed)
    assert hmcos.lower(changed) == hmcos.lower(small())


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (ModelProto(), "the model in memory: is empty"),
        (ModelProto(ir_version=8), "the model in memory: is not an ONNX model: it holds no graph"),
    ],
)
def test_what_is_no_model_is_named_as_for_a_copy(source: ModelProto, message: str) -> None:
    for run in (borrow, load):
        with pytest.raises(ModelError) as error:
            run(source)
        assert str(error.value) == message


def branches() -> ModelProto:
    """An If in an If; both read `x` from around them."""
    inner = graph([node("Neg", "x", "t")], [], [value("t", [2])])
    outer = graph([node("If", "k", "u", then_branch=inner, else_branch=inner)], [], [value("u", [2])])
    nodes = [node("If", "k", "y", then_branch=outer, else_branch=outer)]
    inputs = [value("x", ["n"]), value("k", [], BOOL)]
    return model(graph(nodes, inputs, [value("y", ["m"])]))


def test_bodies_come_after_what_is_around_them() -> None:
    source = branches().graph
    found = listed(source)
    assert [(here.path, here.proto) for here in found] == list(graphs(source))
    assert len(found) == 7
    assert dimensions(found) == ("n", "m")
    assert is_executable(found[0])
    assert not is_executable(found[1])  # nothing around it defines k


def test_names_that_are_no_text_are_refused_wherever_they_stand() -> None:
    content = branches().SerializeToString()
    for name in (b"then_branch", b"Neg", b"\x01n", b"\x01m", b"test"):
        at = content.index(name) + len(name) - 1
        damaged = content[:at] + b"\xff" + content[at + 1 :]
        with pytest.raises(ModelError, match="no UTF-8 text; the file is damaged"):
            borrow(ModelProto.FromString(damaged))
