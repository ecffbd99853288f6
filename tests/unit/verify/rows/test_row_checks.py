from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

import hmcos
from hmcos.errors import VerifyError
from hmcos.frontends.loading import format_called
from hmcos.limits import Status
from hmcos.plan.row_lives import row_lives
from hmcos.plan.row_parts import Accumulator, Role, RowInput
from hmcos.plan.row_plan import PlannedOperator, PlannedTensor, RowPlan
from hmcos.verify.rows.row_checks import check_header, check_row_plan
from int8_networks import Grower
from row_networks import SEEDS, compiled

Change = Callable[[RowPlan], RowPlan]


def told(result: hmcos.Compiled, plan: RowPlan) -> str:
    """Return what the checks find wrong in a plan for the model of a result; empty if nothing."""
    model = result.opened.model
    assert model is not None
    rules = format_called(model.format).rows(model)
    found = [check for check in check_row_plan(model.graph, rules, plan) if not check.held]
    return f"{found[0].name}: {found[0].words}" if found else ""


def with_tensor(plan: RowPlan, tensor: PlannedTensor) -> RowPlan:
    tensors = tuple(tensor if each.tensor == tensor.tensor else each for each in plan.tensors)
    return replace(plan, tensors=tensors)


def with_operator(plan: RowPlan, k: int, operator: PlannedOperator) -> RowPlan:
    return replace(plan, operators=(*plan.operators[:k], operator, *plan.operators[k + 1 :]))


@pytest.mark.parametrize("feeding", ["whole", "rows"])
@pytest.mark.parametrize("seed", SEEDS)
def test_plans_hold(seed: int, feeding: str, tmp_path: Path) -> None:
    result = compiled(tmp_path, seed, feeding)
    assert told(result, result.plan) == ""
    assert "numbers" in check_header(result.header, result.plan)


def later(plan: RowPlan) -> RowPlan:
    """Return a plan whose first step that makes what others read runs last."""
    return replace(plan, steps=(*plan.steps[1:], plan.steps[0]))


def blind(plan: RowPlan) -> RowPlan:
    """Return a plan one operator of which reads nothing."""
    k = next(k for k, op in enumerate(plan.operators) if op.inputs and op.role is Role.ROW)
    operator = plan.operators[k]
    nothing = tuple(RowInput(read.position, read.tensor, ((),) * operator.steps) for read in operator.inputs)
    return with_operator(plan, k, replace(operator, inputs=nothing))


def moved(plan: RowPlan) -> RowPlan:
    """Return a plan that makes a row where another one is that is still to be read."""
    lives = [life for life in row_lives(plan) if life.tensor >= 0 and life.tensor not in plan.outputs]
    for one in lives:
        for other in lives:
            both = one.birth < other.birth < one.death - 1 and other.tensor not in plan.inputs
            if both and one.offset + other.size <= plan.arena and one.offset % 4 == 0:
                tensor = plan.tensor(other.tensor)
                offsets = list(tensor.offsets)
                offsets[other.row] = one.offset
                return with_tensor(plan, replace(tensor, offsets=tuple(offsets)))
    raise AssertionError("no two rows are live together")


CHANGES: tuple[tuple[Change, str], ...] = (
    (later, "rows: step"),
    (blind, "does not read row"),
    (moved, "rows: step"),
    (lambda plan: replace(plan, steps=plan.steps[:-1]), "rows: at the end"),
    (
        lambda plan: replace(plan, peak=plan.peak + 1, arena=plan.arena + 1, status=Status.TIME_LIMIT),
        "memory: ",
    ),
    (lambda plan: replace(plan, arena=plan.arena + 8), "arena: "),
    (lambda plan: replace(plan, outputs=plan.inputs), "not those of the source"),
    (lambda plan: replace(plan, arena=10**9), "more than twice"),
)


@pytest.mark.parametrize(("change", "words"), CHANGES, ids=range(len(CHANGES)))
def test_what_does_not_hold_is_told(change: Change, words: str, tmp_path: Path) -> None:
    result = compiled(tmp_path)
    assert words in told(result, change(result.plan))


def test_a_tensor_of_another_shape_is_told(tmp_path: Path) -> None:
    result = compiled(tmp_path)
    other = replace(result.plan.tensors[0], name="other")
    assert "tensor 0: is" in told(result, with_tensor(result.plan, other))


@pytest.mark.parametrize("word", ["ARENA_BYTES", "INPUT_BYTES", "OUTPUT_OFFSET"])
def test_a_header_with_another_number_is_told(word: str, tmp_path: Path) -> None:
    result = compiled(tmp_path)
    with pytest.raises(VerifyError, match=f"NET_{word} is missing"):
        check_header(result.header.replace(f"NET_{word}", "NET_X"), result.plan)
    with pytest.raises(VerifyError, match=f"NET_{word} is"):
        check_header(result.header.replace(f"NET_{word} ", f"NET_{word} 7"), result.plan)


@pytest.mark.parametrize("seed", SEEDS)
def test_lives_do_not_meet_in_memory(seed: int, tmp_path: Path) -> None:
    plan = compiled(tmp_path, seed).plan
    lives = row_lives(plan)
    assert {life.tensor for life in lives} - {-1} <= plan.base
    for k, one in enumerate(lives):
        assert one.birth < one.death <= len(plan.steps)
        for other in lives[k + 1 :]:
            # A row may lie over another in the step that reads that for the last time.
            if one.birth < other.death - 1 and other.birth < one.death - 1:
                apart = one.offset + one.size <= other.offset or other.offset + other.size <= one.offset
                assert apart, (one, other)


def with_sums(elements: int = 8, width: int = 4) -> Callable[[Accumulator], Accumulator]:
    return lambda sums: replace(sums, elements=elements, width=width)


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        (with_sums(elements=2**36), "elements, but it makes"),
        (with_sums(elements=16, width=2), "elements, but it makes"),
        (with_sums(width=2), "bytes an element, but needs 4"),
        (with_sums(width=1), "bytes an element, but needs 4"),
    ],
)
def test_sums_of_another_size_are_told_before_memory_is_taken_for_them(
    changed: Callable[[Accumulator], Accumulator], words: str, tmp_path: Path
) -> None:
    result = compiled(tmp_path, 13)
    k = next(k for k, op in enumerate(result.plan.operators) if op.accumulator is not None)
    operator = result.plan.operators[k]
    assert operator.accumulator is not None
    other = with_operator(result.plan, k, replace(operator, accumulator=changed(operator.accumulator)))
    sums = other.operators[k].accumulator
    assert sums is not None
    assert words in told(result, replace(other, arena=max(other.arena, sums.offset + sums.size)))


@pytest.mark.parametrize("feeding", ["whole", "rows"])
def test_what_never_runs_may_be_larger_than_the_arena(feeding: str, tmp_path: Path) -> None:
    model = tmp_path / "net.tflite"
    model.write_bytes(with_unread_operators())
    code = hmcos.compile_c(model, hmcos.Rows(feeding), output=tmp_path / "net.c", compares=False)  # pyright: ignore[reportArgumentType]
    plan = hmcos.read_row_plan(tmp_path / "net.plan.json")
    unread = [op.accumulator for op in plan.operators if op.accumulator and op.accumulator.offset < 0]
    assert [sums.size > plan.arena for sums in unread] == [True]
    assert any(each.size > plan.arena and max(each.offsets) < 0 for each in plan.tensors)
    assert told(code, plan) == ""


def with_unread_operators() -> bytes:
    """A mean of an image; sums of its rows, and a wider image, that nobody reads."""
    grow = Grower(Random(0))
    fed = grow.fed([1, 8, 8, 8])
    mean, sums = grow.tensor([1, 1, 1, 8]), grow.tensor([1, 1, 128, 8])
    wide = grow.tensor([1, 8, 128, 8], like=fed)
    padding = grow.integers([[0, 0], [0, 0], [0, 120], [0, 0]])
    grow.sketch.operator("MEAN", [fed, grow.integers([1, 2])], [mean], keepDims=True)
    grow.sketch.operator("PAD", [fed, padding], [wide])
    grow.sketch.operator("MEAN", [wide, grow.integers([1])], [sums], keepDims=True)
    return grow.ended(mean)
