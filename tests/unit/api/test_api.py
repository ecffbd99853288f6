from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest

import hmcos
from hmcos.errors import InstanceError, ModelError, OptionError, TargetError
from hmcos.limits import Status
from hmcos.memory.problem import Problem
from hmcos.report.page import page as writing
from networks import FORK


def test_a_problem_gives_a_plan_without_a_model() -> None:
    plan = hmcos.schedule(FORK)
    assert (plan.peak, plan.lower_bound, plan.status) == (120, 120, Status.OPTIMAL)
    assert plan.given_peak == 210
    assert plan.source.format == "hmcos-instance/1"
    assert plan.outputs.model is plan.outputs.plan is None
    assert plan.order == plan.schedule.order
    assert [row.name for row in plan.operators] == list(FORK.names)


@pytest.mark.parametrize(
    ("budget", "status"), [(120, Status.FITS), (10_000, Status.FITS), (119, Status.DOES_NOT_FIT)]
)
def test_a_budget_is_a_question(budget: int, status: Status) -> None:
    plan = hmcos.schedule(FORK, budget=budget)
    assert plan.status == status
    assert (plan.peak <= budget) == (status == Status.FITS)


@pytest.mark.parametrize("name", hmcos.scheduler_names())
def test_status_is_optimal_if_and_only_if_the_peak_is_the_bound(name: str) -> None:
    plan = hmcos.schedule(FORK, scheduler=name)
    assert (plan.status == Status.OPTIMAL) == (plan.peak == plan.lower_bound)


def test_alignment_rounds_every_buffer_of_a_problem() -> None:
    plan = hmcos.schedule(FORK, alignment=16)
    assert plan.peak == 16 + 112 + 16
    assert plan.target.alignment == 16


def test_comparing_gives_every_scheduler_the_best_bound() -> None:
    found = hmcos.compare(FORK)
    assert [schedule.scheduler for schedule in found.schedules] == list(hmcos.scheduler_names())
    assert {schedule.lower_bound for schedule in found.schedules} == {120}
    assert found.schedules[0].status == Status.OPTIMAL


def test_buffers_of_a_problem_go_by_their_names_everywhere(tmp_path: Path) -> None:
    named = replace(FORK, buffer_names=("image", "large a", "large b", "small a", "small b", ""))
    file = tmp_path / "fork.json"
    file.write_text(hmcos.write_instance(named))
    plan = hmcos.schedule(file, output=tmp_path / "out")
    assert {tensor.name for tensor in plan.crest.tensors} == {"image", "large a", "small a"}
    assert {buffer.name for buffer in plan.buffers} >= {*named.buffer_names, "buffer 5"} - {""}
    assert hmcos.verify(file, tmp_path / "out/plan.json").holds
    crest = hmcos.explain(file).plan.crest
    assert {tensor.name for tensor in crest.tensors} == {"image", "large a", "small a"}
    assert [port.name for port in hmcos.inspect(file).inputs] == ["image"]


def test_inspecting_a_problem_counts_buffers() -> None:
    found = hmcos.inspect(FORK)
    assert (found.operators, found.activations, found.activation_bytes) == (5, 6, 235)
    assert [port.name for port in found.outputs] == ["buffer 5"]


def test_an_instance_file_survives_the_way_through_a_file(tmp_path: Path) -> None:
    path = tmp_path / "fork.json"
    hmcos.export_instance(FORK, path)
    assert hmcos.read_instance(path) == FORK
    assert hmcos.load(path) == FORK
    plan = hmcos.schedule(path, output=tmp_path / "out")
    assert hmcos.read_plan(tmp_path / "out" / "plan.json").order == plan.order


def test_the_total_covers_all_stages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = count()

    def tick() -> float:
        """Return a second more each time that anybody looks at the clock."""
        return float(next(clock))

    monkeypatch.setattr("time.perf_counter", tick)
    monkeypatch.setattr("hmcos.network.opening.perf_counter", tick)
    monkeypatch.setattr(writing, "has_plotly", lambda: False)  # the page comes after all that is counted
    begun = tick()
    seconds = hmcos.schedule(FORK, output=tmp_path / "out").seconds
    passed = tick() - begun
    assert 0 < seconds.load + seconds.schedule + seconds.save <= seconds.total
    assert passed - 2 <= seconds.total < passed
    assert hmcos.schedule(FORK).seconds.save == 0


def test_seeds_decide_random_orders() -> None:
    orders = {hmcos.schedule(FORK, scheduler="random", seed=seed).order for seed in range(20)}
    assert len(orders) > 1
    first = hmcos.schedule(FORK, scheduler="random", seed=3)
    assert first.order == hmcos.schedule(FORK, scheduler="random", seed=3).order


def test_wrong_options_say_what_there_is() -> None:
    with pytest.raises(OptionError, match="optimal"):
        hmcos.schedule(FORK, scheduler="best")
    with pytest.raises(TargetError, match="default"):
        hmcos.schedule(FORK, target="tpu")
    with pytest.raises(OptionError, match="time limit"):
        hmcos.schedule(FORK, time_limit=-1)
    with pytest.raises(OptionError, match="time limit"):
        hmcos.schedule(FORK, time_limit=float("nan"))
    with pytest.raises(OptionError, match="state limit"):
        hmcos.schedule(FORK, state_limit=0)
    with pytest.raises(OptionError, match="jobs"):
        hmcos.schedule(FORK, jobs=0)
    with pytest.raises(OptionError, match="jobs"):
        hmcos.experiment(["zoo:nasnet-cifar"], jobs=0)
    with pytest.raises(OptionError, match="budget"):
        hmcos.schedule(FORK, budget=-1)
    with pytest.raises(OptionError, match="alignment"):
        hmcos.schedule(FORK, alignment=0)
    with pytest.raises(OptionError, match="batch"):
        hmcos.schedule(FORK, bind={"batch": 1})
    with pytest.raises(OptionError, match="nasnet"):
        hmcos.schedule("zoo:nasnt-cifar")
    with pytest.raises(ModelError, match=r"missing\.onnx"):
        hmcos.schedule("missing.onnx")
    with pytest.raises(InstanceError, match=r"missing\.json"):
        hmcos.schedule("missing.json")


def test_importing_is_light() -> None:
    program = (
        "import sys, hmcos\n"
        "heavy = {'onnx', 'numpy', 'rich', 'click', 'rustworkx', 'onnxruntime', 'ortools'}\n"
        "print(sorted(heavy & set(sys.modules)))\n"
        "print(sorted(name for name in hmcos.__all__ if getattr(hmcos, name, None) is None))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["[]", "[]"]


def test_an_unknown_name_is_no_attribute() -> None:
    with pytest.raises(AttributeError, match="no attribute 'sched'"):
        _ = hmcos.sched


def test_the_package_lists_its_public_names() -> None:
    assert dir(hmcos) == sorted(hmcos.__all__)
    assert all(getattr(hmcos, name).__doc__ for name in hmcos.__all__ if name != "__version__")


def test_public_functions_stay_functions_when_rooms_of_their_name_are_imported() -> None:
    program = (
        "import hmcos\n"
        "first = [hmcos.verify, hmcos.report]\n"
        "import hmcos.verify.checks, hmcos.report.words.sizes\n"
        "from hmcos import verify, report\n"
        "print(first == [verify, report] == [hmcos.verify, hmcos.report], callable(verify))\n"
        "from hmcos.verify import checks\n"
        "print(checks.__name__)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["True True", "hmcos.verify.checks"]


def test_values_print_as_one_line_without_their_orders() -> None:
    long = Problem(
        names=("op",) * 500,
        sizes=(1,) * 501,
        inputs=(0,),
        kept=(500,),
        reads=tuple((i,) for i in range(500)),
        makes=tuple((i + 1,) for i in range(500)),
        may_overwrite=((),) * 500,
        scratch=(2048,) * 500,
    )
    plan = hmcos.schedule(long)
    assert repr(long) == "<Problem: 500 operators, 501 buffers of 501 B in all>"
    peak = "peak 2,050 B = 2.00 KiB, optimal"
    assert repr(plan.schedule) == f"<Schedule by optimal: 500 operators, {peak}>"
    assert plan.arena is not None
    assert repr(plan.arena).startswith("<Arena by ")
    assert repr(plan.arena).endswith(": 1,001 offsets, 2,050 B = 2.00 KiB, optimal>")
    assert repr(plan) == (
        f"<Plan of <problem> on instance: 500 operators, {peak}; arena 2,050 B = 2.00 KiB, optimal>"
    )
    for value in (hmcos.explain(long, plan), hmcos.compare(long).schedules, hmcos.load("zoo:darts-cifar")):
        assert "\n" not in repr(value)
        assert len(repr(value)) < 1_000


def test_an_open_search_prints_its_bound() -> None:
    schedule = hmcos.schedule(FORK, scheduler="given").schedule
    assert repr(schedule) == ("<Schedule by given: 5 operators, peak 210 B, lower bound 110 B, feasible>")
