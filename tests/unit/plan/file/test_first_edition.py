"""Plan files of the first edition tell tensors by names alone: they are read, verified and kept."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest
from onnx import ModelProto, parser

import hmcos
from hmcos.frontends.loading import load
from hmcos.memory.problem import Problem
from hmcos.plan.file.plan_file import plan_text, read_plan
from hmcos.plan.file.tensor_ids import with_tensor_ids
from hmcos.verify.checks import Answer

Record = dict[str, Any]
Change = Callable[[Record], object]

NET = """<ir_version: 10, opset_import: ["" : 21]>
net (float[1,8] x) => (float[8] y) <int64[1] s = {8}> { a = Sin(x) v = Reshape(a, s) y = Cos(v) }"""

OF_NET = """{
 "format": "hmcos-plan/1",
 "source": {"name": "n", "format": "onnx", "sha256": "?", "original_sha256": "?",
  "inlined": false, "bind": {}},
 "target": {"name": "own.toml", "alignment": 8, "external_io": false,
  "data": {"alignment": 8, "views": ["Reshape"]}},
 "scheduler": "optimal", "status": "optimal", "budget": null,
 "peak": 64, "lower_bound": 64, "given_peak": 64, "rpo_peak": 64, "states": 0, "search_seconds": 0.1,
 "seconds": {"load": 0.1, "schedule": 0.1, "save": 0.0, "total": 0.2},
 "outputs": {"model": null, "plan": null},
 "crest": {"step": 0, "operator": 0, "tensors": [{"name": "x", "bytes": 32}, {"name": "a", "bytes": 32}]},
 "order": [0, 1, 2], "scheduled_order": [0, 1, 2],
 "memory": {"start": 32, "running": [64, 32, 64], "stable": [32, 32, 32]},
 "operators": [
  {"number": 0, "name": "", "kind": "Sin", "output": "a"},
  {"number": 1, "name": "", "kind": "Reshape", "output": "v"},
  {"number": 2, "name": "", "kind": "Cos", "output": "y"}],
 "bodies": [],
 "arena": {"size": 64, "lower_bound": 64, "status": "optimal",
  "allocator": "largest_area_first", "alignment": 8},
 "arena_seconds": 0.1, "largest_first_arena": 64,
 "buffers": [
  {"name": "x", "offset": 32, "size": 32, "birth": 0, "death": 1, "operator": null, "takes_over": null},
  {"name": "a", "offset": 0, "size": 32, "birth": 0, "death": 3, "operator": null, "takes_over": null},
  {"name": "y", "offset": 32, "size": 32, "birth": 2, "death": 3, "operator": null, "takes_over": null}],
 "tensors": {"x": 0, "v": 1, "a": 1, "y": 2}
}"""
"""As the first edition wrote it, but for the sha256, which are filled in."""

PROBLEM = Problem(
    names=("a", "b"),
    sizes=(8, 16, 8),
    inputs=(0,),
    kept=(2,),
    reads=((0,), (1,)),
    makes=((1,), (2,)),
    may_overwrite=((), ()),
    scratch=(0, 4),
)
OF_PROBLEM = """{
 "format": "hmcos-plan/1",
 "source": {"name": "<problem>", "format": "hmcos-instance/1", "sha256": "", "original_sha256": "",
  "inlined": false, "bind": {}},
 "target": {"name": "instance", "alignment": 1, "external_io": false, "data": {}},
 "scheduler": "optimal", "status": "optimal", "budget": null,
 "peak": 28, "lower_bound": 28, "given_peak": 28, "rpo_peak": 28, "states": 0, "search_seconds": 0.1,
 "seconds": {"load": 0.1, "schedule": 0.1, "save": 0.0, "total": 0.2},
 "outputs": {"model": null, "plan": null},
 "crest": {"step": 1, "operator": 1, "tensors": [{"name": "buffer 1", "bytes": 16},
  {"name": "buffer 2", "bytes": 8}, {"name": "scratch of b", "bytes": 4}]},
 "order": [0, 1], "scheduled_order": [0, 1],
 "memory": {"start": 8, "running": [24, 28], "stable": [16, 8]},
 "operators": [
  {"number": 0, "name": "a", "kind": "", "output": ""},
  {"number": 1, "name": "b", "kind": "", "output": ""}],
 "bodies": [],
 "arena": {"size": 28, "lower_bound": 28, "status": "optimal",
  "allocator": "largest_area_first", "alignment": 1},
 "arena_seconds": 0.1, "largest_first_arena": 28,
 "buffers": [
  {"name": "buffer 0", "offset": 16, "size": 8, "birth": 0, "death": 1, "operator": null, "takes_over": null},
  {"name": "buffer 1", "offset": 0, "size": 16, "birth": 0, "death": 2, "operator": null, "takes_over": null},
  {"name": "buffer 2", "offset": 16, "size": 8, "birth": 1, "death": 2, "operator": null, "takes_over": null},
  {"name": "scratch of b", "offset": 24, "size": 4, "birth": 1, "death": 2, "operator": 1,
   "takes_over": null}],
 "tensors": {}
}"""


def model() -> ModelProto:
    return parser.parse_model(NET)


def saved(folder: Path, change: Change | None = None) -> Path:
    """Return a file with the plan of the network, changed."""
    record = cast(Record, json.loads(OF_NET.replace('"?"', f'"{load(model()).sha256}"')))
    if change is not None:
        change(record)
    path = folder / "plan.json"
    path.write_text(json.dumps(record))
    return path


def failed(path: Path) -> str:
    """Return the words of the first check that fails; empty if all hold."""
    found = hmcos.verify(model(), path)
    return next((check.words for check in found.checks if check.answer is Answer.FAILS), "")


def test_a_plan_of_a_network_is_read_and_holds(tmp_path: Path) -> None:
    path = saved(tmp_path)
    plan = read_plan(path)
    assert [(b.tensors, b.names) for b in plan.buffers] == [((), ("x",)), ((), ("v", "a")), ((), ("y",))]
    found = hmcos.verify(model(), path)
    assert found.answer is Answer.HOLDS
    assert {"arena", "in the arena"} <= {check.name for check in found.checks}


def test_a_plan_of_a_problem_is_read_and_holds(tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    path.write_text(OF_PROBLEM)
    assert hmcos.verify(PROBLEM, path).answer is Answer.HOLDS
    path.write_text(OF_PROBLEM.replace('{"name": "buffer 1", "offset"', '{"name": "buffer 7", "offset"'))
    found = hmcos.verify(PROBLEM, path)
    assert found.checks[-1].words.startswith("'buffer 7' has a place in the arena, but the plan only names")


def test_a_plan_that_is_written_again_stays_as_it_was(tmp_path: Path) -> None:
    plan = read_plan(saved(tmp_path))
    again = tmp_path / "again.json"
    again.write_text(plan_text(plan))
    assert read_plan(again) == plan
    found = cast(Record, json.loads(again.read_text()))
    assert found["tensors"] == {"x": 0, "v": 1, "a": 1, "y": 2}
    assert "tensors" not in found["buffers"][0]


FALSE_NAMES: list[tuple[Change, str]] = [
    (lambda r: r["buffers"][1].update(name="b"), "'b' has a place in the arena, but there is no such"),
    (lambda r: r["buffers"][1].update(name="v"), "'v' has a place in the arena, but there is no such"),
    (lambda r: r["tensors"].update(b=1), "'a' has a place in the arena, but the plan only names its"),
    (lambda r: r["tensors"].pop("v"), "'a': the plan says that other tensors are in its place"),
    (lambda r: r["tensors"].pop("a"), "'a' has a place in the arena, but there is no such"),
    (lambda r: r["tensors"].update(v=0), "'x': the plan says that other tensors are in its place"),
    (lambda r: r["crest"]["tensors"][0].update(name="v"), "crest.tensors: are not those that are live"),
]


@pytest.mark.parametrize(("change", "words"), FALSE_NAMES)
def test_a_false_name_is_found(tmp_path: Path, change: Change, words: str) -> None:
    assert failed(saved(tmp_path, change)).startswith(words)


def test_a_name_of_two_tensors_tells_none(tmp_path: Path) -> None:
    plan = read_plan(saved(tmp_path))
    found = with_tensor_ids(plan, ["s", "x", "a", "v", "y", "a"])
    assert [buffer.tensors for buffer in found.buffers] == [(1,), (), (4,)]
    found = with_tensor_ids(plan, ["s", "x", "v", "a", "y"])
    assert [buffer.tensors for buffer in found.buffers] == [(1,), (3, 2), (4,)]
    assert with_tensor_ids(found, []) is found
