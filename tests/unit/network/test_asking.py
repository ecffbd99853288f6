"""Sizes that only ONNX Runtime knows."""

from __future__ import annotations

from pathlib import Path

import pytest
from onnx import ModelProto

import hmcos
from hmcos.errors import SizeError
from hmcos.network.opening import open_source
from hmcos.runtimes.onnxruntime import asking
from onnx_models import graph, model, node, value, weight

pytest.importorskip("onnxruntime")


def inverse(kind: str = "Inverse", columns: int | str = 4) -> ModelProto:
    heavy = weight("w", [[float(i == j) for j in range(100)] for i in range(100)])
    nodes = [
        node("Relu", "x", "a"),
        node(f"com.microsoft::{kind}", "a", "b"),
        node("Neg", "b", "c"),
        node("MatMul", "w w", "v"),
        node("Slice", "v zero four", "u"),
        node("Add", "c u", "y"),
    ]
    weights = [heavy, weight("zero", [0, 0], "int64"), weight("four", [4, 4], "int64")]
    return model(
        graph(nodes, [value("x", ["n", columns, 4])], [value("y")], weights), domains={"com.microsoft": 1}
    )


@pytest.mark.slow
def test_onnx_runtime_is_asked_for_what_no_rule_determines(tmp_path: Path) -> None:
    path = tmp_path / "m.onnx"
    path.write_bytes(inverse().SerializeToString())
    opened = open_source(path, {"n": 3})
    assert opened.model is not None
    shapes = {t.name: t.shape for t in opened.model.graph.tensors}
    assert (shapes["b"], shapes["c"], shapes["y"]) == ((3, 4, 4), (3, 4, 4), (3, 4, 4))
    assert opened.source.notes == (
        "ONNX Runtime was asked for the sizes of tensors that no rule here determines",
    )
    plan = hmcos.schedule(path, bind={"n": 3}, output=tmp_path / "out")
    assert plan.source.notes == opened.source.notes
    assert all(check.held for check in hmcos.verify(path, tmp_path / "out/plan.json").checks)


@pytest.mark.slow
def test_what_it_does_not_know_either_stays_unknown() -> None:
    with pytest.raises(SizeError, match="'b'"):
        open_source(inverse("Unheard"), {"n": 3})
    with pytest.raises(SizeError, match="bind the free symbols n"):
        open_source(inverse())


def test_without_onnx_runtime_sizes_stay_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "is_installed", lambda: False)
    with pytest.raises(SizeError, match="'b'"):
        open_source(inverse(), {"n": 3})


def test_models_of_standard_operators_alone_are_no_question(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "told", lambda content: pytest.fail("asked"))  # pyright: ignore
    made = model(graph([node("Range", "a b c", "y")], [value(n, []) for n in "abc"], [value("y")]))
    with pytest.raises(SizeError):
        open_source(made)
