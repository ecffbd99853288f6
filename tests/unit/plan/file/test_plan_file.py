from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from hmcos.errors import PlanError
from hmcos.limits import Status
from hmcos.plan.arena import Arena, PlacedBuffer
from hmcos.plan.file.plan_file import plan_text, read_plan
from hmcos.plan.plan import (
    BodyPlan,
    Crest,
    LiveTensor,
    Memory,
    OperatorRow,
    Outputs,
    Plan,
    Seconds,
    Source,
    TargetUsed,
)
from hmcos.plan.schedule import Schedule

PLAN = Plan(
    source=Source("net.onnx", "onnx", "aa", "bb", inlined=True, bind={"seq": 8, "batch": 1}),
    target=TargetUsed("default", 16, {"views": ["Reshape"], "alignment": 16}),
    operators=(
        OperatorRow(0, "", "Constant", "c"),
        OperatorRow(1, "same", "Relu", "a"),
        OperatorRow(2, "same", "Shape", "ключ"),
    ),
    scheduled=(1, 2),
    schedule=Schedule((1, 0), 32, 16, Status.TIME_LIMIT, "optimal", 0.5, 7),
    order=(2, 0, 1),
    given_peak=48,
    rpo_peak=32,
    memory=Memory(16, (32, 16), (16, 16)),
    crest=Crest(0, 2, (LiveTensor("x", 16), LiveTensor("ключ", 16))),
    seconds=Seconds(0.25, 0.5, 0.0, 1.0),
    bodies=(BodyPlan("node 1/body", (1, 0), 8, 8, Status.OPTIMAL),),
    outputs=Outputs(None, "out/plan.json"),
)


def record() -> dict[str, Any]:
    return cast(dict[str, Any], json.loads(plan_text(PLAN)))


def refused(tmp_path: Path, content: object) -> str:
    path = tmp_path / "plan.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    with pytest.raises(PlanError) as caught:
        read_plan(path)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert "\n" not in message
    return message.removeprefix(f"{path}: ")


def test_what_is_written_is_what_is_read(tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    path.write_text(plan_text(PLAN))
    assert read_plan(path) == PLAN
    assert [p.name for p in tmp_path.iterdir()] == ["plan.json"]


def test_a_plan_before_whose_first_step_the_peak_is_survives(tmp_path: Path) -> None:
    memory = replace(PLAN.memory, start=32)
    plan = replace(PLAN, memory=memory, crest=replace(PLAN.crest, step=-1, operator=None))
    (tmp_path / "plan.json").write_text(plan_text(plan))
    assert read_plan(tmp_path / "plan.json") == plan


def test_the_text_is_the_same_whatever_the_order_of_the_bindings() -> None:
    turned = replace(PLAN, source=replace(PLAN.source, bind={"batch": 1, "seq": 8}))
    assert plan_text(turned) == plan_text(PLAN)


def test_operators_stand_in_the_new_order() -> None:
    assert [row["number"] for row in record()["operators"]] == record()["order"] == [2, 0, 1]
    assert record()["scheduled_order"] == [2, 1]


def test_a_plan_that_was_cut_off_is_refused(tmp_path: Path) -> None:
    text = plan_text(PLAN)
    for end in range(0, len(text) - 2, 7):
        assert "not a plan" in refused(tmp_path, text[:end])


@pytest.mark.parametrize("content", ["[" * 100_000, '{"peak": ' + "9" * 5000 + "}", "\x00"])
def test_hostile_text_is_refused(tmp_path: Path, content: str) -> None:
    refused(tmp_path, content)


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(PlanError, match="UTF-8"):
        read_plan(path)


@pytest.mark.parametrize("key", [key for key in record() if key != "budget"])
def test_every_key_is_needed(tmp_path: Path, key: str) -> None:
    short = record()
    del short[key]
    assert refused(tmp_path, short) == f"{key}: is missing"


def test_another_version_is_named(tmp_path: Path) -> None:
    message = refused(tmp_path, record() | {"format": "hmcos-plan/9"})
    assert "hmcos-plan/9" in message
    assert "hmcos-plan/1" in message


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("peak", True, "peak: must be an integer of at least 0, not true"),
        ("peak", 1.5, "peak: must be an integer of at least 0, not 1.5"),
        ("peak", 4, "peak: is 4, but the most in `memory` is 32"),
        ("status", "great", "status: no status is called 'great'"),
        ("scheduler", None, "scheduler: must be text, not null"),
        ("order", [0, 1], "order: must list every operator exactly once"),
        ("order", [0, 1, "2"], "order[2]: must be an integer of at least 0, not text"),
        ("order", {}, "order: must be a list, not an object"),
        ("scheduled_order", [1, 2], "scheduled_order: must follow `order`"),
        ("source", [], "source: must be an object, not a list"),
        ("operators", [], "order: must list every operator exactly once"),
        ("seconds", {"load": -1}, "seconds.load: must be a number of at least 0, not -1"),
        ("memory", {"start": 0, "running": [1], "stable": [1, 1]}, "memory.running: must have 2 entries"),
        (
            "crest",
            {"step": 2, "operator": None, "tensors": []},
            "crest.step: is 2, but the peak is first reached at 0",
        ),
        ("bodies", [7], "bodies[0]: must be an object, not 7"),
        (
            "status",
            "optimal",
            "status: is 'optimal', but the peak is 32, the lower bound 16, and",
        ),
        (
            "status",
            "fits",
            "status: is 'fits', but the peak is 32, the lower bound 16, and",
        ),
        (
            "budget",
            32,
            "status: is 'time limit', but the peak is 32, the lower bound 16, and the",
        ),
        (
            "budget",
            15,
            "status: is 'time limit', but the peak is 32, the lower bound 16, and the",
        ),
        ("lower_bound", 33, "lower_bound: must not be above the peak"),
        ("lower_bound", 32, "status: is 'time limit', but the peak is 32, the lower bound 32"),
        ("given_peak", 15, "given_peak: is 15, below the lower bound of every order, 16"),
        ("rpo_peak", 15, "rpo_peak: is 15, below the lower bound of every order, 16"),
        ("crest", {"step": 0, "operator": 1, "tensors": []}, "crest.operator: is 1, but 2 runs at step 0"),
        ("crest", {"step": 0, "operator": 2, "tensors": []}, "crest.tensors: must be ordered by bytes, the"),
        ("seconds", {"load": 1, "schedule": 1, "save": 0, "total": 1}, "seconds.total: is less than the"),
    ],
)
def test_a_wrong_value_is_named_by_its_key(tmp_path: Path, key: str, value: object, message: str) -> None:
    assert refused(tmp_path, record() | {key: value}).startswith(message)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('"peak": 32, "peak": 32', "not a plan, or cut off: key 'peak' appears twice in one object"),
        (f'"peak": {2**100 + 1}', "peak: must be an integer of at most 2**100, not 126765"),
        ('"peak": 1e3', "peak: must be an integer of at least 0, not 1000.0"),
        ('"peak": NaN', "peak: must be an integer of at least 0, not nan"),
    ],
)
def test_numbers_are_integers_that_stand_once(tmp_path: Path, text: str, message: str) -> None:
    assert refused(tmp_path, plan_text(PLAN).replace('"peak": 32', text, 1)).startswith(message)


def test_seconds_may_not_be_beyond_all_floats(tmp_path: Path) -> None:
    assert refused(tmp_path, record() | {"search_seconds": 10**400}).startswith("search_seconds: must be a")


WRONG_RULES: list[tuple[object, str]] = [
    ({"overwrite": [3]}, "overwrite[0]: must be an object, not 3"),
    ({"overwrite": [{}]}, "overwrite[0].kinds: is missing"),
    ({"overwrite": [{"kinds": "Relu"}]}, "overwrite[0].kinds: must be a list, not text"),
    ({"overwrite": [{"kinds": [1]}]}, "overwrite[0].kinds[0]: must be text, not 1"),
    (
        {"overwrite": [{"kinds": ["Relu"], "inputs": [True]}]},
        "overwrite[0].inputs[0]: must be an",
    ),
    (
        {"overwrite": [{"kinds": ["Relu"], "inputs": {}}]},
        "overwrite[0].inputs: must be 'any', ",
    ),
    (
        {"overwrite": [{"kinds": ["Relu"], "condition": []}]},
        "overwrite[0].condition: must be one of",
    ),
    ({"overwrite": [{"kinds": ["Relu", "Relu"]}]}, "overwrite[0].kinds: kind 'Relu' has two rules"),
    ({"overwrite": [{"kinds": ["Relu"]}], "views": ["Relu"]}, "overwrite[0].kinds: kind 'Relu' has two"),
    ({"alignment": 0}, "alignment: must be an integer of at least 1, not 0"),
    ({"overwrite_inputs": 1}, "overwrite_inputs: must be true or false, not 1"),
    ({"views": [[]]}, "views[0]: must be text, not a list"),
    (
        {"scratch": {"kinds": {"Conv": -1}}},
        "scratch.kinds.Conv: must be an integer of at least 0",
    ),
    ({"scratch": {"all": {}}}, "scratch.all: is no key of a target; there are kinds, operators"),
    ({"view": []}, "view: is no key of a target; there are alignment, "),
]


@pytest.mark.parametrize(("data", "message"), WRONG_RULES)
def test_a_wrong_rule_of_the_target_is_named(tmp_path: Path, data: object, message: str) -> None:
    wrong = record()
    wrong["target"]["data"] = data
    assert refused(tmp_path, wrong).startswith(f"target.data.{message}")


def test_no_infinities(tmp_path: Path) -> None:
    text = plan_text(PLAN).replace('"search_seconds": 0.5', '"search_seconds": Infinity')
    assert refused(tmp_path, text).startswith("search_seconds: must be a number")


def test_a_missing_plan_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PlanError, match="No such file"):
        read_plan(tmp_path / "plan.json")


PLACED = replace(
    PLAN,
    target=replace(PLAN.target, external_io=True),
    outputs=Outputs(None, "out/plan.json", "out/net_arena.h"),
    arena=Arena((0, 16, 0), 32, 32, Status.OPTIMAL, "best_fit", 16, 0.25),
    buffers=(
        PlacedBuffer("x", 0, 16, 0, 1, tensors=(4, 0), names=("x", "view of x")),
        PlacedBuffer("scratch of Shape", 16, 16, 0, 1, operator=2),
        PlacedBuffer("ключ", 0, 16, 1, 2, takes_over=0, tensors=(7,), names=("ключ",)),
    ),
    largest_first_arena=48,
)


def test_an_arena_survives_and_maps_tensors_to_buffers(tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    path.write_text(plan_text(PLACED))
    assert read_plan(path) == PLACED
    found = cast(dict[str, Any], json.loads(path.read_text()))
    assert found["tensors"] == {"x": 0, "view of x": 0, "ключ": 2}
    assert list(found["arena"]) == ["size", "lower_bound", "status", "allocator", "alignment"]
    assert list(found["buffers"][0]) == [
        "name", "offset", "size", "birth", "death", "operator", "takes_over", "tensors", "names",
    ]  # fmt: skip


def test_a_plan_without_an_arena_has_no_such_keys() -> None:
    assert {"arena", "buffers", "tensors", "largest_first_arena"}.isdisjoint(record())


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("arena", {"size": 32}, "arena.lower_bound: is missing"),
        ("tensors", {"x": 3}, "tensors.x: there is no buffer 3; the last is 2"),
        ("buffers", [], "tensors.x: there is no buffer 0; the last is -1"),
        ("largest_first_arena", None, "largest_first_arena: must be an integer of at least 0, not null"),
    ],
)
def test_a_wrong_arena_is_named_by_its_key(tmp_path: Path, key: str, value: object, message: str) -> None:
    whole = cast(dict[str, Any], json.loads(plan_text(PLACED)))
    assert refused(tmp_path, whole | {key: value}).startswith(message)


def test_an_arena_that_its_buffers_do_not_fill_is_refused(tmp_path: Path) -> None:
    whole = cast(dict[str, Any], json.loads(plan_text(PLACED)))
    whole["arena"]["size"] = 48
    assert refused(tmp_path, whole).startswith("arena.size: is 48, but the last buffer ends at 32")
