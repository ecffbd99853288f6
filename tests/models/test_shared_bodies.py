"""Subgraphs that several operators run: each of their tensors has one place, counted and proved."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

import hmcos
from hmcos.frontends.loading import load
from hmcos.frontends.tflite.arena.prediction import predicted_arena
from hmcos.limits import Status
from hmcos.tasks.verify.tflite import RUNNER
from tflite_models import Sketch, planned

WIDE = 600


def branch(sketch: Sketch, kind: str = "ADD") -> None:
    """Add a subgraph that makes a wide tensor and then a small one."""
    sketch.subgraph()
    fed, wide, made = sketch.tensor([1, 100]), sketch.tensor([1, WIDE]), sketch.tensor([1, 100])
    sketch.operator("CONCATENATION", [fed] * (WIDE // 100), [wide], axis=1)
    sketch.operator(kind, [fed, fed], [made])
    sketch.ports([fed], [made])


def chosen(sketch: Sketch, choice: int, fed: int, subgraphs: tuple[int, int]) -> int:
    """Add an IF to the latest subgraph, and return what it makes."""
    made = sketch.tensor([1, 100])
    sketch.operator(
        "IF", [choice, fed], [made], thenSubgraphIndex=subgraphs[0], elseSubgraphIndex=subgraphs[1]
    )
    return made


def one_after_the_other(same: tuple[int, int] = (1, 2)) -> Sketch:
    """Return a model of two IFs that run the same branches, with other tensors live at each."""
    sketch = Sketch()
    sketch.subgraph()
    choice, fed = sketch.tensor([1], "BOOL"), sketch.tensor([1, 100])
    first = chosen(sketch, choice, fed, (1, 2))
    large, sums = sketch.tensor([1, 400]), sketch.tensor([1, 100])
    sketch.operator("CONCATENATION", [first] * 4, [large], axis=1)
    sketch.operator("ADD", [first, fed], [sums])
    second = chosen(sketch, choice, sums, same)
    last = sketch.tensor([1, 500])
    sketch.operator("CONCATENATION", [large, second], [last], axis=1)
    sketch.ports([choice, fed], [last])
    branch(sketch)
    branch(sketch, "MUL")
    return sketch


def nested() -> Sketch:
    """Return a model of an IF whose branches run the same two subgraphs, with other tensors live at each."""
    sketch = Sketch()
    sketch.subgraph()
    choice, fed = sketch.tensor([1], "BOOL"), sketch.tensor([1, 100])
    made = sketch.tensor([1, 100])
    sketch.operator("IF", [choice, fed, choice], [made], thenSubgraphIndex=1, elseSubgraphIndex=2)
    sketch.ports([choice, fed], [made])
    for width in (200, 300):
        sketch.subgraph()
        fed, choice, wide = sketch.tensor([1, 100]), sketch.tensor([1], "BOOL"), sketch.tensor([1, width])
        sketch.operator("CONCATENATION", [fed] * (width // 100), [wide], axis=1)
        inner, both = chosen(sketch, choice, fed, (3, 4)), sketch.tensor([1, width + 100])
        made = sketch.tensor([1, 100])
        sketch.operator("CONCATENATION", [wide, inner], [both], axis=1)
        sketch.operator("ADD", [inner, inner], [made])
        sketch.ports([fed, choice], [made])
    branch(sketch)
    branch(sketch, "MUL")
    return sketch


MODELS: dict[str, Callable[[], Sketch]] = {
    "both branches are one": lambda: one_after_the_other((2, 2)),
    "nested": nested,
    "one after the other": one_after_the_other,
    "one of two branches": lambda: one_after_the_other((2, 1)),
}


@pytest.mark.parametrize("name", MODELS)
def test_they_have_one_place_within_the_proved_arena(name: str, tmp_path: Path) -> None:
    sketch = MODELS[name]()
    plan, written = planned(sketch, tmp_path)
    assert plan.arena is not None
    assert plan.peak == plan.lower_bound == plan.arena.size == plan.arena.lower_bound
    assert predicted_arena(written).head == plan.peak < predicted_arena(sketch.bytes()).head
    assert hmcos.verify(tmp_path / "model.tflite", tmp_path / "out" / "plan.json", runs=1).holds


def test_one_subgraph_has_one_order(tmp_path: Path) -> None:
    plan, _ = planned(nested(), tmp_path)
    orders = {body.path.rpartition("node ")[2]: body.order for body in plan.bodies}
    assert {body.order for body in plan.bodies if body.path.endswith("then")} <= set(orders.values())
    assert len(plan.bodies) == 6
    inner = [body for body in plan.bodies if body.path.count("/") == 3]
    assert [body.order for body in inner[:2]] == [body.order for body in inner[2:]]


def test_two_orders_of_one_subgraph_are_refused(tmp_path: Path) -> None:
    plan, _ = planned(one_after_the_other(), tmp_path)
    last = plan.bodies[-1]
    changed = replace(plan, bodies=(*plan.bodies[:-1], replace(last, order=last.order[::-1])))
    model = load(tmp_path / "model.tflite")
    check = RUNNER.compared(model, changed, tmp_path / "out" / "model.tflite")
    assert not check.held
    assert "the plan has two orders of subgraph 2" in check.words


def test_scratch_of_their_kernels_is_counted_as_long_as_the_runtime_keeps_it(tmp_path: Path) -> None:
    sketch = one_after_the_other()
    inside = sketch.model.subgraphs[1]
    sums, axes = sketch.tensor([1], "INT8"), sketch.tensor([1], "INT32", data=[1])
    assert (sums, axes) == (3, 4)
    sketch.operator("MEAN", [0, axes], [sums])
    inside.outputs = [2]
    plan, written = planned(sketch, tmp_path)
    assert plan.arena is not None
    assert plan.arena.size == predicted_arena(written).head >= plan.peak
    assert plan.arena.status in (Status.OPTIMAL, Status.FEASIBLE)
    assert hmcos.verify(tmp_path / "model.tflite", tmp_path / "out" / "plan.json", runs=1).holds
