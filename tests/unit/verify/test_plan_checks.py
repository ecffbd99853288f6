"""What a plan says beside its order is found out once more, and what is wrong is named by its field."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

import hmcos
from hmcos.__main__ import run
from hmcos.errors import PlanError
from hmcos.memory.target import load_target
from hmcos.network.opening import open_source
from hmcos.plan.file.plan_file import plan_text, read_claims, read_plan
from hmcos.plan.plan import TargetUsed
from hmcos.tasks.schedule.recheck import checks_at_rest
from hmcos.verify.plan_checks import check_source
from unit.verify import faults

Record = dict[str, Any]


def said(folder: Path, target: str, change: Callable[[Record], None], text: str = faults.NET) -> str:
    """Return name and words of the check that fails when the record of a right plan is changed."""
    record = cast(Record, json.loads(plan_text(hmcos.schedule(faults.model(text), target=target))))
    change(record)
    path = folder / "plan.json"
    path.write_text(json.dumps(record))
    plan, opened = read_claims(path), open_source(faults.model(text))
    checks = [check_source(opened.source, plan), *checks_at_rest(opened, plan)]
    failed = [check for check in checks if not check.held]
    return f"{failed[0].name}: {failed[0].words}" if failed else "holds"


def setting(*keys: str | int, to: object) -> Callable[[Record], None]:
    """Return a change that puts a value in place of the one that these keys lead to."""

    def change(record: Record) -> None:
        holder: Any = record
        for key in keys[:-1]:
            holder = holder[key]
        holder[keys[-1]] = to

    return change


def unchanged(record: Record) -> None:
    pass


def without_last_body(record: Record) -> None:
    record["bodies"].pop()


def with_body(**fields: object) -> Callable[[Record], None]:
    """Return a change that adds the first body again, with other fields."""

    def change(record: Record) -> None:
        record["bodies"].append({**record["bodies"][0], **fields})

    return change


def test_a_right_plan_holds(tmp_path: Path) -> None:
    assert said(tmp_path, "default", unchanged) == "holds"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (setting("lower_bound", to=1), "memory: lower_bound: is 1, but no order needs less than 96"),
        (setting("given_peak", to=0), "memory: given_peak: is 0, but the order of the source needs 128"),
        (setting("rpo_peak", to=129), "memory: rpo_peak: is 129, but reverse post-order needs 96"),
        (setting("status", to="feasible"), "memory: status: is 'feasible', but the peak is 96, the lower"),
        (setting("budget", to=128), "memory: status: is 'optimal', but the peak is 96, the lower bound"),
        (setting("memory", "start", to=9), "memory: memory.start: the plan claims 9 bytes, but they are 32"),
        (
            setting("memory", "stable", 2, to=0),
            "memory: step 2, operator 3 (Add): the plan claims 0 bytes in",
        ),
        (setting("memory", "running", 2, to=0), "memory: step 2, operator 3 (Add): the plan claims 0 bytes"),
        (setting("crest", "tensors", 0, "name", to="x"), "memory: crest.tensors: are not those that are"),
        (setting("operators", 1, "kind", to="Conv"), "order: operators.kind: is 'Conv' for operator 1, not"),
        (setting("operators", 1, "name", to="y"), "order: operators.name: is 'y' for operator 1, not ''"),
        (setting("operators", 1, "output", to="y"), "order: operators.output: is 'y' for operator 1, not"),
        (setting("seconds", "total", to=0), "memory: seconds.total: is less than the seconds of the stages"),
        (setting("arena", "status", to="feasible"), "arena: arena.status: is 'feasible', but the size is 96"),
        (setting("arena", "lower_bound", to=1), "arena: arena.lower_bound: is 1, below the bytes in use at"),
        (setting("arena", "alignment", to=3), "arena: arena.alignment: is 3, but "),
        (setting("buffers", 0, "takes_over", to=0), "arena: 'x': is an input, which is written over nothing"),
        (setting("largest_first_arena", to=0), "arena: largest_first_arena: is below the lower bound of"),
        (setting("source", "inlined", to=True), "source: source.inlined: must be true exactly when sha256"),
        (setting("source", "original_sha256", to="a"), "source: source.inlined: must be true exactly when"),
        (setting("source", "bind", to={"N": 3}), "source: source.bind: the plan was made with N=3, not with"),
        (setting("target", "name", to="default"), "target: target.data.overwrite_inputs: differs from"),
        (setting("target", "name", to="instance"), "target: target.name: 'instance' is for problems"),
        (
            setting("target", "data", to={"overwrite_inputs": False, "views": ["Sin"]}),
            "target: target.data.views: differs from the shipped target 'none'; "
            "run hmcos schedule on the model again",
        ),
    ],
)
def test_a_false_field_is_named(tmp_path: Path, change: Callable[[Record], None], words: str) -> None:
    assert said(tmp_path, "none", change).startswith(words)


BODY = """net (bool go, float[4] x) => (float[4] y)
{
  a = Relu(x)
  b = Exp(x)
  c = If (go) <
    then_branch = yes () => (float[4] t) { s = Add(a, b) r = Sqrt(s) t = Add(r, s) },
    else_branch = no () => (float[4] e) { e = Mul(a, b) }
  >
  y = Neg(c)
}"""


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (setting("bodies", 0, "lower_bound", to=1), "memory: node 2/then_branch: the lower bound is 1, but"),
        (
            setting("bodies", 0, "status", to="feasible"),
            "memory: bodies[0].status: is 'feasible', but",
        ),
        (setting("bodies", 0, "path", to="node 2/else_branch"), "memory: "),
        (
            without_last_body,
            "memory: node 2/else_branch: the plan holds no order",
        ),
        (
            with_body(path="node 9/body"),
            "memory: bodies: the plan holds an order for 'node 9/body', but there is no such body",
        ),
        (
            with_body(),
            "memory: bodies[2].path: 'node 2/then_branch' has two plans",
        ),
    ],
)
def test_a_false_field_of_a_body_is_named(
    tmp_path: Path, change: Callable[[Record], None], words: str
) -> None:
    assert said(tmp_path, "none", change, BODY).startswith(words)


def test_a_target_with_rules_of_its_own_is_told(tmp_path: Path) -> None:
    rules = tmp_path / "mine.toml"
    rules.write_text("overwrite_inputs = false\n")
    plan = hmcos.schedule(faults.model(), target=rules)
    target, *_ = checks_at_rest(open_source(faults.model()), plan)
    assert (target.held, target.words) == (True, f"{rules}, with rules of its own")


def test_every_shipped_target_is_told_by_its_name() -> None:
    opened = open_source(faults.model())
    for name in ("default", "none", "hmcos", "onnxruntime", "tflm"):
        target, *_ = checks_at_rest(opened, hmcos.schedule(opened.content, target=name))
        assert (target.held, target.words) == (True, f"{name}, as it is shipped")


def test_a_plan_that_only_borrows_the_name_of_a_target_does_not_hold() -> None:
    careless, careful = (hmcos.schedule(faults.model(), target=name) for name in ("default", "none"))
    borrowed = TargetUsed("none", 1, load_target("default").data)
    for plan in (careless, careful):
        checks = checks_at_rest(open_source(faults.model()), _on(plan, borrowed))
        assert [check.held for check in checks] == [False]
        assert checks[0].words.startswith(
            "target.data.overwrite_inputs: differs from the shipped target 'none'"
        )


def test_a_false_plan_does_not_hold_and_is_not_read_by_others(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source, out = str(faults.saved(tmp_path)), tmp_path / "out" / "plan.json"
    hmcos.schedule(source, output=out.parent)
    record = json.loads(out.read_text())
    out.write_text(json.dumps(record | {"given_peak": 1}))
    assert run(["verify", source, str(out), "--json"]) == 5
    assert "given_peak: is 1" in json.loads(capsys.readouterr().out)["checks"][-1]["words"]
    with pytest.raises(PlanError, match=r"given_peak: is 1, below the lower bound of every order"):
        read_plan(out)
    record["target"]["data"]["overwrite"] = [3]
    out.write_text(json.dumps(record))
    assert run(["verify", source, str(out)]) == 1
    assert "target.data.overwrite[0]: must be an object, not 3" in capsys.readouterr().err


def test_problems_are_verified_as_their_plans_count_them(tmp_path: Path) -> None:
    """Their bytes were not rounded up, and inputs and outputs counted, whatever the plan said."""
    instance = tmp_path / "net.json"
    hmcos.export_instance(faults.saved(tmp_path), instance)
    for alignment, external in ((64, False), (1, True), (48, True)):
        hmcos.schedule(instance, alignment=alignment, external_io=external, output=tmp_path / "out")
        assert hmcos.verify(instance, tmp_path / "out" / "plan.json").holds
    wrong = _on(hmcos.schedule(instance), TargetUsed("none", 1))
    assert "a problem has rules of its own" in hmcos.verify(instance, wrong).checks[-1].words


def _on(plan: hmcos.Plan, target: TargetUsed) -> hmcos.Plan:
    return replace(plan, target=target)
