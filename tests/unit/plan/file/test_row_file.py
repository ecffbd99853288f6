from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import hmcos
from hmcos.errors import PlanError
from hmcos.plan.file.plan_file import read_plan, read_source
from hmcos.plan.file.row_file import is_row_plan, read_row_plan, row_plan_text
from row_networks import SEEDS, compiled, record_of

Change = Callable[[dict[str, Any]], object]


@pytest.mark.parametrize("feeding", ["whole", "rows"])
@pytest.mark.parametrize("seed", SEEDS)
def test_what_is_written_is_what_is_read(seed: int, feeding: str, tmp_path: Path) -> None:
    plan = compiled(tmp_path, seed, feeding).plan
    place = Path(plan.file or "")
    read = read_row_plan(place)
    assert read == plan
    assert (read.file, read.files) == (plan.file, plan.files)
    assert row_plan_text(read) == place.read_text("utf-8")
    assert is_row_plan(place)
    assert read_source(place)[0] == plan.source


def test_other_readers_refuse_it_by_name(tmp_path: Path) -> None:
    place = compiled(tmp_path).plan.file or ""
    with pytest.raises(PlanError, match="of code that hmcos compile made"):
        read_plan(place)
    with pytest.raises(hmcos.HmcosError, match="hmcos-rows/1"):
        hmcos.explain(place)


CHANGES: tuple[tuple[Change, str], ...] = (
    (lambda r: r.update(format="hmcos-plan/1"), "format"),
    (lambda r: r.pop("steps"), "steps: is missing"),
    (lambda r: r.update(status="perhaps"), "no status is called"),
    (lambda r: r.update(status="fits"), "status"),
    (lambda r: r.update(input="both"), "input: must be one of whole, rows"),
    (lambda r: r.update(sections=["a"]), "sections: must be two"),
    (lambda r: r.update(arena=1), "arena"),
    (lambda r: r.update(lower_bound=r["peak"] + 1), "lower_bound: is"),
    (lambda r: r["steps"].append([len(r["operators"]), 0, 1]), "there is not"),
    (lambda r: r["steps"].append([0, 0, 1]), "runs a second time"),
    (lambda r: r["steps"].append([-1, 0, 1]), "there is not"),
    (lambda r: r["tensors"].reverse(), "ascending"),
    (lambda r: r["tensors"][0].update(row_bytes=10**6), "outside of the arena"),
    (lambda r: r["tensors"][0].update(rows=10**9), "must be told for"),
    (lambda r: r["operators"][0].update(steps=10**9), "at most"),
    (lambda r: r["operators"][0].update(role="idle"), "must be one of"),
    (lambda r: r["operators"][0].update(makes=[10**6]), "must name tensors"),
    (lambda r: r["operators"][0].update(makes=[]), "must name tensors"),
    (lambda r: r["operators"][0]["inputs"][0].update(tensor=10**6), "not in `tensors`"),
    (lambda r: r.update(inputs=r["operators"][0]["makes"]), "are made by an operator"),
    (lambda r: r["outputs"]["sha256"].update({"../x": "0" * 64}), "within the folder"),
)


@pytest.mark.parametrize(("change", "words"), CHANGES)
def test_what_contradicts_itself_is_refused(change: Change, words: str, tmp_path: Path) -> None:
    plan = compiled(tmp_path).plan
    record = record_of(plan)
    change(record)
    place = tmp_path / "other.json"
    place.write_text(json.dumps(record))
    with pytest.raises(PlanError, match=words) as caught:
        read_row_plan(place)
    assert str(caught.value).startswith(str(place))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "text", ["", "[]", "{", "[" * 100_000, '{"format": "hmcos-rows/1"}', '{"a": 1, "a": 2}']
)
def test_what_is_no_plan_is_refused(text: str, tmp_path: Path) -> None:
    place = tmp_path / "plan.json"
    place.write_text(text)
    with pytest.raises(PlanError):
        read_row_plan(place)


def test_a_file_that_is_missing_is_no_row_plan(tmp_path: Path) -> None:
    assert not is_row_plan(tmp_path / "plan.json")
