"""What must be declared as tensor_arena, from the command line to the files."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

import hmcos
from hmcos.__main__ import run
from hmcos.errors import NotRunError, OptionError, PlanError
from hmcos.frontends.loading import load
from hmcos.frontends.tflite.arena.prediction import predicted_arena
from hmcos.limits import Status
from hmcos.plan.file.plan_file import plan_text, read_plan
from hmcos.plan.plan import Plan
from hmcos.plan.whole_arena import WholeArena
from hmcos.runtimes.tflite import tflm
from hmcos.verify.checks import Answer
from tflite_models import NUMPY, Sketch, branches, one_operator

pytestmark = pytest.mark.slow

pytest.importorskip("ai_edge_litert")


@pytest.fixture
def absent(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody can measure: everything is predicted."""
    monkeypatch.setattr(tflm, "can_measure", lambda: False)


def saved(sketch: Sketch, folder: Path) -> Path:
    path = folder / "net.tflite"
    path.write_bytes(sketch.bytes())
    return path


def arenas(plan: Plan) -> dict[str, WholeArena]:
    assert plan.tflm is not None
    return dict(plan.tflm.forms)


@pytest.mark.usefixtures("absent")
def test_every_form_is_predicted(tmp_path: Path) -> None:
    path = saved(branches(), tmp_path)
    plan = hmcos.schedule(path, output=tmp_path / "out", emit="c")
    found = arenas(plan)
    assert [*found] == ["now", "order", "offsets"]
    assert plan.arena is not None and found["offsets"].head == plan.arena.size < found["now"].head
    assert found["now"] == predicted_arena(path.read_bytes())
    assert found["offsets"] == predicted_arena((tmp_path / "out/net.tflite").read_bytes())
    assert plan.tflm is not None and not plan.tflm.measured
    header = (tmp_path / "out/net_arena.h").read_text()
    assert f"#define NET_TENSOR_ARENA_SIZE {found['offsets'].declare}ULL" in header
    assert f"#define NET_TFLM_HEAD_SIZE {plan.arena.size}ULL" in header
    assert "tensor_arena: predicted, for pointers of 8 bytes" in header


def test_it_is_measured_where_it_can_be(tmp_path: Path) -> None:
    pytest.importorskip("tflite_micro")
    path = saved(branches(), tmp_path)
    plan = hmcos.schedule(path, whole_arena=True)
    assert plan.tflm is not None and plan.tflm.measured
    assert arenas(plan)["now"] == predicted_arena(path.read_bytes())
    small = hmcos.schedule(path, whole_arena=True, pointer_bytes=4)
    assert small.tflm is not None and not small.tflm.measured
    assert arenas(small)["now"] == predicted_arena(path.read_bytes(), 4)
    assert arenas(small)["now"].tail < arenas(plan)["now"].tail


def test_a_runtime_that_does_not_answer_leaves_a_prediction(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crashes(*_: object, **__: object) -> list[WholeArena | str]:
        raise NotRunError("tflm: it crashed")

    monkeypatch.setattr(tflm, "can_measure", lambda: True)
    monkeypatch.setattr(tflm, "measured_arenas", crashes)
    plan = hmcos.schedule(saved(branches(), tmp_path), whole_arena=True)
    assert plan.tflm is not None
    assert (plan.tflm.measured, plan.tflm.note) == (False, "not measured: tflm: it crashed")


@pytest.mark.usefixtures("absent")
def test_without_offsets_the_order_alone_is_declared(tmp_path: Path) -> None:
    path = saved(branches(), tmp_path)
    plan = hmcos.schedule(path, output=tmp_path / "out", offsets=False)
    assert [*arenas(plan)] == ["now", "order"]
    assert arenas(plan)["order"] == predicted_arena((tmp_path / "out/net.tflite").read_bytes())


@pytest.mark.usefixtures("absent")
def test_nobody_asks_in_vain(tmp_path: Path) -> None:
    path = saved(branches(), tmp_path)
    assert hmcos.schedule(path).tflm is None
    assert hmcos.schedule(path, whole_arena=True, target="none").tflm is None
    with pytest.raises(OptionError, match="use --budget-for peak"):
        hmcos.schedule(path, target="none", budget=1, budget_for="total")
    with pytest.raises(OptionError, match="use --budget-for peak"):
        hmcos.schedule("zoo:mobilenet-v2", budget=1, budget_for="total")
    with pytest.raises(OptionError, match="not for 'head'"):
        hmcos.schedule(path, budget=1, budget_for="head")
    with pytest.raises(OptionError, match="4 or 8 bytes, not 2"):
        hmcos.schedule(path, whole_arena=True, pointer_bytes=2)


@pytest.mark.usefixtures("absent")
def test_exit_codes_of_a_budget_for_all(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = saved(branches(), tmp_path)
    assert run(["schedule", str(path), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    least = found["tflm"]["offsets"]["declare"]
    for budget, code in ((least, 0), (least - 1, 4), (found["lower_bound"] - 1, 3)):
        options = ["--budget", str(budget), "--budget-for", "total"]
        assert run(["schedule", str(path), *options]) == code


@pytest.mark.usefixtures("absent")
def test_unknown_kernels_are_said_to_be_unknown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = saved(one_operator("Mystery"), tmp_path)
    assert run(["schedule", str(path)]) == 0
    assert "unknown kernels, so it is more: Mystery" in capsys.readouterr().out
    plan = hmcos.schedule(path, whole_arena=True)
    assert plan.fits_in_all(1 << 40) is Status.FEASIBLE


@pytest.mark.usefixtures("absent")
def test_the_command_says_what_to_declare(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = saved(branches(), tmp_path)
    assert run(["schedule", str(path), "--pointer-bytes", "4"]) == 0
    shown = capsys.readouterr().out
    least = arenas(hmcos.schedule(path, whole_arena=True, pointer_bytes=4))["offsets"].declare
    assert f"\ntensor_arena[{least}]\n" in shown
    assert "predicted for a 32-bit microcontroller" in shown
    assert "TFLM today" in shown


@pytest.mark.usefixtures("absent")
def test_plan_files_keep_it(tmp_path: Path) -> None:
    plan = hmcos.schedule(saved(branches(), tmp_path), output=tmp_path / "out")
    read = read_plan(tmp_path / "out/plan.json")
    assert read.tflm == plan.tflm
    assert plan.tflm is not None
    wrong = replace(plan.tflm, now=replace(plan.tflm.now, total=1))
    file = tmp_path / "wrong.json"
    file.write_text(plan_text(replace(read, tflm=wrong)))
    with pytest.raises(PlanError, match=r"tflm\.now\.total: must be the sum of `head` and `tail`"):
        read_plan(file)
    file.write_text(plan_text(replace(read, tflm=replace(plan.tflm, now=replace(plan.tflm.now, declare=1)))))
    with pytest.raises(PlanError, match=r"tflm\.now\.declare: must not be below `total`"):
        read_plan(file)


def test_verify_tries_what_must_be_declared(tmp_path: Path) -> None:
    pytest.importorskip("tflite_micro")
    path = saved(branches(), tmp_path)
    plan = hmcos.schedule(path, output=tmp_path / "out")
    assert plan.tflm is not None and plan.tflm.offsets is not None
    found = hmcos.verify(path, plan)
    declared = plan.tflm.offsets.declare
    assert f"tensor_arena[{declared}] is enough" in found.checks[-1].words
    little = replace(plan.tflm.offsets, declare=plan.tflm.offsets.total - 64)
    wrong = replace(plan, tflm=replace(plan.tflm, offsets=little))
    found = hmcos.verify(path, wrong)
    assert found.answer == Answer.FAILS
    assert f"tensor_arena[{little.declare}] is enough, and it is not" in found.checks[-1].words


@pytest.mark.usefixtures("absent")
def test_a_tiled_model_has_a_row_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "pools.tflite"
    path.write_bytes(pools().bytes())
    plan = hmcos.schedule(path, output=tmp_path / "out", tile=hmcos.Tiling(max_extra_macs=1.0))
    assert plan.rewriting is not None
    found = arenas(plan)
    assert [*found] == ["now", "order", "offsets", "tiled"]
    assert found["tiled"] == predicted_arena((tmp_path / "out/pools.tflite").read_bytes())
    assert found["tiled"].head < found["offsets"].head
    assert load(path).graph.operators


def pools() -> Sketch:
    """Return an image that grows and shrinks again, so that pieces of it need less."""
    sketch = Sketch()
    sketch.subgraph()
    fed, wide, made = (
        sketch.tensor([1, 16, 16, 1]),
        sketch.tensor([1, 64, 64, 1]),
        sketch.tensor([1, 8, 8, 1]),
    )
    size = sketch.tensor([2], "INT32", data=NUMPY.array([64, 64], "int32"))
    sketch.operator("RESIZE_NEAREST_NEIGHBOR", [fed, size], [wide])
    sketch.operator(
        "MAX_POOL_2D", [wide], [made], strideH=8, strideW=8, filterHeight=8, filterWidth=8, padding=1
    )
    sketch.ports([fed], [made])
    return sketch
