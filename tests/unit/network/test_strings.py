"""The bytes that strings count, by the target."""

from __future__ import annotations

from pathlib import Path

import pytest
from onnx import TensorProto, ValueInfoProto, helper

import hmcos
from hmcos.graph.graph import Tensor
from hmcos.graph.strings import with_string_bytes
from hmcos.network.opening import open_source
from onnx_models import graph, model, node, value


def words(folder: Path) -> Path:
    inside = graph(
        [node("StringNormalizer", "s", "t"), node("Identity", "t", "u")],
        [],
        [value("u", [3], TensorProto.STRING)],
    )
    made = graph(
        [node("If", "go", "y", then_branch=inside, else_branch=inside)],
        [value("s", [3], TensorProto.STRING), value("go", [], TensorProto.BOOL)],
        [ValueInfoProto(name="y")],
    )
    path = folder / "words.onnx"
    path.write_bytes(model(made).SerializeToString())
    return path


def test_a_target_says_what_a_string_counts(tmp_path: Path) -> None:
    wide = tmp_path / "wide.toml"
    wide.write_text("string_bytes = 100\n")
    usual = hmcos.schedule(words(tmp_path), target="none")
    more = hmcos.schedule(words(tmp_path), target=str(wide))
    assert (usual.peak, more.peak) == (9 * 16 + 1, 9 * 100 + 1)


@pytest.mark.slow
def test_a_plan_with_wide_strings_can_be_read_and_verified(tmp_path: Path) -> None:
    wide = tmp_path / "wide.toml"
    wide.write_text("string_bytes = 40\n")
    path = words(tmp_path)
    hmcos.schedule(path, target=str(wide), output=tmp_path / "out")
    checks = {check.name: check for check in hmcos.verify(path, tmp_path / "out/plan.json").checks}
    assert all(checks[name].held for name in ("target", "order", "memory", "arena"))


def test_sequences_and_maps_of_strings_are_widened_too(tmp_path: Path) -> None:
    opened = open_source(words(tmp_path))
    assert opened.model is not None
    found = with_string_bytes(opened.model.graph, 20)
    assert [t.size for t in found.tensors if "string" in t.element] == [60, 60]
    assert [t.size for t in found.operators[0].bodies[0].graph.tensors if t.name == "t"] == [60]
    kind = helper.make_sequence_type_proto(helper.make_tensor_type_proto(TensorProto.STRING, [2]))
    made = model(
        graph(
            [node("SequenceAt", "q zero", "y")],
            [helper.make_value_info("q", kind)],
            [ValueInfoProto(name="y")],
            [helper.make_tensor("zero", TensorProto.INT64, [], [0])],
        )
    )
    loaded = open_source(made, {"q:0": 5}).model
    assert loaded is not None
    widened = with_string_bytes(loaded.graph, 20)
    assert next(t for t in widened.tensors if t.name == "q") == Tensor("q", "sequence(string)", 160, (5, 2))
