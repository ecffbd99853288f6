"""TensorFlow Lite models with sizes that are known only when they run: bounded, without offsets, verified."""

from __future__ import annotations

from pathlib import Path

import numpy as np

import hmcos
from hmcos.frontends.tflite.offsets import offsets_in
from hmcos.frontends.tflite.reading import parse
from tflite_models import Sketch, planned


def texts() -> Sketch:
    """Return a model that picks from strings by two lists of numbers, one after the other."""
    sketch = Sketch()
    sketch.subgraph()
    given, chosen = sketch.tensor([10], "STRING"), sketch.tensor([20], "STRING")
    last = sketch.tensor([2], "STRING")
    many = sketch.tensor([20], "INT32", np.arange(20, dtype="int32") % 10)
    few = sketch.tensor([2], "INT32", np.array([3, 19], "int32"))
    sketch.operator("GATHER", [given, many], [chosen], axis=0)
    sketch.operator("GATHER", [chosen, few], [last], axis=0)
    sketch.ports([given], [last])
    return sketch


def test_strings_count_a_stated_width_and_are_compared_in_litert(tmp_path: Path) -> None:
    plan, written = planned(texts(), tmp_path)
    assert (plan.peak, plan.tflm) == (16 * (10 + 20), None)
    assert plan.source.notes == (
        "strings count 16 bytes each, unless the target says otherwise (string_bytes)",
        "sizes are known only when it runs, so the file gets no offsets",
    )
    assert offsets_in(parse(written)) is None
    answer = hmcos.verify(tmp_path / "model.tflite", tmp_path / "out" / "plan.json")
    assert answer.holds
    assert "outputs in LiteRT" in {check.name for check in answer.checks if check.held}
