"""A source whose own offsets take less than the plan keeps them, if it computes the same with them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

import hmcos
from hmcos.__main__ import run
from hmcos.frontends.tflite.arena.prediction import predicted_arena
from hmcos.frontends.tflite.offsets import offsets_used
from hmcos.frontends.tflite.reading import parse
from hmcos.frontends.tflite.writing import rewritten
from hmcos.plan.file.plan_file import read_plan
from hmcos.plan.plan import Plan
from hmcos.verify.checks import Answer
from tflite_models import NUMPY, S, Sketch

IN_PLACE = "RELU 0 writes 't1' over 't0', and 1 more: target tflm lets no operator write over its input"


def chain(kind: str = "RELU") -> Sketch:
    """Return a model of two operators, one after the other."""
    sketch = Sketch()
    sketch.subgraph()
    first, second, third = (sketch.tensor([1, 100]) for _ in range(3))
    sketch.operator(kind, [first], [second])
    sketch.operator(kind, [second], [third])
    sketch.ports([first], [third])
    return sketch


def wide() -> Sketch:
    """Return a model of which another order needs less, but not less than its own with ADD in place."""
    sketch = Sketch()
    sketch.subgraph()
    fed, result = sketch.tensor([1, 16]), sketch.tensor([1, 32])
    weights = sketch.tensor([256, 16], data=NUMPY.arange(4096).astype("int8"))
    back = sketch.tensor([16, 256], data=NUMPY.arange(4096).astype("int8"))
    sums: list[int] = []
    for _ in range(2):
        one, other, both = (sketch.tensor([1, 256]) for _ in range(3))
        sketch.operator("FULLY_CONNECTED", [fed, weights, -1], [one])
        sketch.operator("FULLY_CONNECTED", [fed, weights, -1], [other])
        sketch.operator("ADD", [one, other], [both])
        sums.append(both)
    small = [sketch.tensor([1, 16]) for _ in sums]
    for both, last in zip(sums, small, strict=True):
        sketch.operator("FULLY_CONNECTED", [both, back, -1], [last])
    sketch.operator("CONCATENATION", small, [result], axis=1)
    sketch.ports([fed], [result, fed])
    return sketch


def equals() -> Sketch:
    """Return a model of which TFLM places tensors of one size so that less is left over than by any rule."""
    sketch = Sketch()
    sketch.subgraph()
    sizes = (16, 64, 64, 16, 48, 32, 48, 48)
    made = [sketch.tensor([1, size]) for size in sizes]
    for t, reads in enumerate((0, 1, 0, 1, 4, 5, 6), start=1):
        shape = [sizes[t], sizes[reads]]
        weights = sketch.tensor(shape, data=NUMPY.arange(shape[0] * shape[1]).astype("int8"))
        sketch.operator("FULLY_CONNECTED", [made[reads], weights, -1], [made[t]])
    sketch.ports([made[0]], [made[7], made[2], made[3]])
    return sketch


def planned(sketch: Sketch, offsets: Mapping[int, int], folder: Path) -> tuple[Plan, bytes]:
    """Return the plan of a model that has offsets, and the file that was written."""
    (folder / "model.tflite").write_bytes(rewritten(sketch.bytes(), {}, offsets))
    plan = hmcos.schedule(folder / "model.tflite", output=folder / "out")
    return plan, (folder / "out" / "model.tflite").read_bytes()


def answer(folder: Path) -> Answer:
    return hmcos.verify(folder / "model.tflite", folder / "out" / "plan.json", runs=1).answer


def test_offsets_in_place_are_kept(tmp_path: Path) -> None:
    plan, written = planned(chain(), {0: 0, 1: 0, 2: 0}, tmp_path)
    assert plan.peak == 224
    assert offsets_used(parse(written)) == (0, 0, 0)
    assert predicted_arena(written).head == 112
    assert plan.tflm is not None
    assert plan.tflm.kept == IN_PLACE
    assert plan.tflm.planned == plan.tflm.now
    assert plan.tflm.now.head == 112
    assert answer(tmp_path) is Answer.HOLDS
    assert read_plan(tmp_path / "out" / "plan.json").tflm == plan.tflm


def test_a_head_below_the_bound_disproves_that_nothing_fits(tmp_path: Path) -> None:
    """The bound is 224 bytes as target tflm counts memory; the source's own offsets take 112."""
    planned(chain(), {0: 0, 1: 0, 2: 0}, tmp_path)
    asked = ["schedule", str(tmp_path / "model.tflite"), "--budget-for", "total", "--budget"]
    assert run([*asked, "200"]) == 4
    (tmp_path / "model.tflite").write_bytes(chain().bytes())
    assert run([*asked, "200"]) == 3


def test_they_are_kept_with_the_order_that_they_are_for(tmp_path: Path) -> None:
    own = {0: 768, 4: 0, 5: 256, 6: 0, 7: 256, 8: 512, 9: 256, 10: 512, 11: 528, 1: 0}
    plan, written = planned(wide(), own, tmp_path)
    assert hmcos.schedule(tmp_path / "model.tflite").peak == 800
    assert plan.order == tuple(range(9))
    assert plan.lower_bound <= 800 < plan.peak
    assert predicted_arena(written).head == 784
    assert offsets_used(parse(written)) == offsets_used(parse((tmp_path / "model.tflite").read_bytes()))
    assert answer(tmp_path) is Answer.HOLDS


def test_a_search_that_was_cut_short_makes_no_file_that_takes_more(tmp_path: Path) -> None:
    source = equals().bytes()
    (tmp_path / "model.tflite").write_bytes(source)
    out, now = tmp_path / "out", predicted_arena(source)
    plan = hmcos.schedule(tmp_path / "model.tflite", output=out, emit="c", interrupted=lambda: True)
    assert plan.tflm is not None
    assert plan.tflm.offsets is not None
    assert plan.tflm.offsets.head > now.head == plan.tflm.planned.head == 192
    assert plan.tflm.kept.startswith("TFLM places its tensors in 192 bytes")
    assert predicted_arena((out / "model.tflite").read_bytes()) == now
    assert f"TENSOR_ARENA_SIZE {now.declare}ULL" in (out / "model_arena.h").read_text()
    assert answer(tmp_path) is Answer.HOLDS
    assert hmcos.schedule(tmp_path / "model.tflite", whole_arena=True).tflm != plan.tflm


@pytest.mark.parametrize("kind", ["SOFTMAX", "MEAN"])
def test_other_kernels_in_place_are_not_trusted(kind: str, tmp_path: Path) -> None:
    sketch = chain(kind)
    _, written = planned(sketch, {0: 0, 1: 0, 2: 0}, tmp_path)
    assert predicted_arena(written).head == 224


@pytest.mark.parametrize(
    "offsets",
    [
        {0: 0, 1: 16, 2: 0},  # in part
        {0: 0, 1: 0, 2: -16},
        {0: 8, 1: 8, 2: 8},
    ],
)
def test_other_overlaps_are_replaced(offsets: dict[int, int], tmp_path: Path) -> None:
    content = chain().bytes()
    table = rewritten(content, {}, {0: 1 << 20, 1: 1 << 20, 2: 1 << 20})
    at = table.index((1 << 20).to_bytes(4, "little") * 3)
    numbers = b"".join(offsets[t].to_bytes(4, "little", signed=True) for t in range(3))
    (tmp_path / "model.tflite").write_bytes(table[:at] + numbers + table[at + 12 :])
    plan = hmcos.schedule(tmp_path / "model.tflite", output=tmp_path / "out")
    assert plan.tflm is not None
    assert plan.tflm.kept == ""
    assert plan.tflm.now.head == (224 if min(offsets.values()) < 0 else 128 if offsets[1] == 16 else 120)
    assert predicted_arena((tmp_path / "out" / "model.tflite").read_bytes()).head == 224


def test_what_is_read_later_may_not_be_written_over(tmp_path: Path) -> None:
    sketch = chain()
    sketch.operator("ADD", [0, 2], [sketch.tensor([1, 100])])
    sketch.model.subgraphs[0].outputs = [3]
    plan, _ = planned(sketch, {0: 0, 1: 0, 2: 0, 3: 0}, tmp_path)
    assert plan.tflm is not None
    assert plan.tflm.kept == ""


def test_other_offsets_than_the_plan_says_are_found(tmp_path: Path) -> None:
    planned(chain(), {0: 0, 1: 0, 2: 0}, tmp_path)
    file = tmp_path / "out" / "model.tflite"
    file.write_bytes(rewritten(file.read_bytes(), {}, {0: 0, 1: 112, 2: 0}))
    found = hmcos.verify(tmp_path / "model.tflite", tmp_path / "out" / "plan.json", runs=1)
    assert found.answer is Answer.FAILS


def test_what_the_runtime_refuses_is_left_out_today(tmp_path: Path) -> None:
    sketch = wide()
    sketch.model.metadata = [S.MetadataT("OfflineMemoryAllocation", 1)]  # the buffer of weights
    (tmp_path / "model.tflite").write_bytes(sketch.bytes())
    plan = hmcos.schedule(tmp_path / "model.tflite", output=tmp_path / "out")
    assert plan.tflm is not None
    assert plan.tflm.now.head == predicted_arena(wide().bytes()).head
    assert "today without the source's own offsets, with which TFLM does not run it" in plan.tflm.note


def test_a_budget_between_both_fits(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "model.tflite").write_bytes(rewritten(chain().bytes(), {}, {0: 0, 1: 0, 2: 0}))
    words = ["schedule", str(tmp_path / "model.tflite"), "-o", str(tmp_path / "out"), "--budget"]
    assert run([*words, "150"]) == 0
    told = " ".join(capsys.readouterr().out.split())
    assert f"the source is written as it is: {IN_PLACE}" in told
    assert run([*words, "100"]) == 3
