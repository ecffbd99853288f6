"""What TensorFlow Lite for Microcontrollers keeps in its arena though it never uses it is counted."""

from __future__ import annotations

from pathlib import Path

import pytest

import hmcos
from hmcos.frontends.tflite.arena.prediction import predicted_arena
from hmcos.frontends.tflite.reading import parse
from hmcos.frontends.tflite.unused import unused
from hmcos.plan.plan import UNUSED
from tflite_models import Sketch, conditional, one_operator, planned

TENSOR = 5000


def with_unused() -> Sketch:
    """Return a model with a large tensor and a small one that nobody makes or reads."""
    sketch = one_operator()
    sketch.tensor([1, TENSOR])
    sketch.tensor([1, 100])
    return sketch


def with_signatures() -> Sketch:
    """Return a model with a second subgraph, which the first one does not run."""
    sketch = one_operator()
    sketch.subgraph("second")
    fed, inner, made = (sketch.tensor([1, size]) for size in (3000, TENSOR, 2000))
    sketch.operator("RELU", [fed], [inner])
    sketch.operator("RELU", [inner], [made])
    sketch.ports([fed], [made])
    return sketch


def unused_in_body() -> Sketch:
    """Return a model in whose branch a tensor is that nobody makes or reads."""
    sketch = conditional()
    sketch.tensor([1, TENSOR])
    return sketch


MODELS = {"tensor": with_unused(), "signatures": with_signatures(), "body": unused_in_body()}


@pytest.mark.parametrize("name", MODELS)
def test_the_largest_of_them_is_counted(name: str, tmp_path: Path) -> None:
    plan, written = planned(MODELS[name], tmp_path)
    assert plan.arena is not None
    assert plan.peak == plan.lower_bound == plan.arena.size == plan.arena.lower_bound == 5008
    assert predicted_arena(written).head == 5008
    assert [(tensor.name, tensor.size) for tensor in plan.crest.tensors] == [(UNUSED, 5008)]
    assert hmcos.verify(tmp_path / "model.tflite", tmp_path / "out" / "plan.json", runs=1).holds


def test_without_offsets_it_keeps_all_of_them_at_once(tmp_path: Path) -> None:
    assert predicted_arena(MODELS["tensor"].bytes()).head == 5008 + 112
    plan, _ = planned(MODELS["tensor"], tmp_path)
    assert plan.tflm is not None
    assert plan.tflm.now.head == plan.tflm.order.head == 5008 + 112
    assert plan.tflm.offsets is not None
    assert plan.tflm.offsets.head == 5008


def test_they_are_what_nothing_that_runs_reads_or_makes() -> None:
    assert unused(parse(with_unused().bytes())) == {2: TENSOR, 3: 100}
    assert unused(parse(with_signatures().bytes())) == {2: 3000, 3: TENSOR, 4: 2000}
    sketch = one_operator()
    sketch.tensor([1, TENSOR], isVariable=True)
    sketch.tensor([4], data=[1, 2, 3, 4])
    assert unused(parse(sketch.bytes())) == {}


def test_a_small_one_changes_nothing(tmp_path: Path) -> None:
    sketch = one_operator(shape=[1, 400])
    sketch.tensor([1, 100])
    plan, written = planned(sketch, tmp_path)
    assert plan.peak == predicted_arena(written).head == 800
    assert plan.arena is not None
    assert plan.arena.reserved == 112


def test_a_budget_below_it_does_not_fit(tmp_path: Path) -> None:
    source = tmp_path / "model.tflite"
    source.write_bytes(with_unused().bytes())
    assert hmcos.schedule(source, budget=4999).status == "does not fit"
    assert hmcos.schedule(source, budget=5008).status == "fits"


def test_a_plan_that_leaves_it_out_is_refused(tmp_path: Path) -> None:
    planned(with_unused(), tmp_path)
    file = tmp_path / "out" / "plan.json"
    file.write_text(file.read_text().replace('"floor": 5000', '"floor": 0'))
    assert not hmcos.verify(tmp_path / "model.tflite", file).holds
