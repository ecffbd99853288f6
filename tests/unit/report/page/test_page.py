"""The page holds the plan's numbers, in one file, and names from the model never become markup."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from shlex import quote
from typing import Any, cast

import pytest
from click.testing import CliRunner

import hmcos
from hmcos.cli.commands import hmcos as command
from hmcos.errors import OutputError, ToolError
from hmcos.memory.problem import Problem
from hmcos.report.page import page as writing
from hmcos.report.page.page import has_plotly, page_text, unpacked, write_page
from hmcos.tasks.explain.explanation import Explanation
from networks import FORK

pytestmark = pytest.mark.skipif(not has_plotly(), reason="plotly is not installed")
EVIL = "<script>document.title='taken'</script></script><img src=x onerror=alert(1)>\u2028\x1b[31m"


def explained(problem: Problem = FORK) -> Explanation:
    return hmcos.explain(problem)


def test_the_numbers_of_the_page_are_the_plans() -> None:
    found = hmcos.explain("zoo:darts-imagenet", time_limit=0.0)
    plan, data = found.plan, unpacked(page_text(found))
    assert (data["peak"], data["lower_bound"]) == (plan.peak, plan.lower_bound)
    assert (data["given_peak"], data["rpo_peak"]) == (plan.given_peak, plan.rpo_peak)
    assert data["running"]["result"] == list(plan.memory.running)
    assert max(data["running"]["given"]) == plan.given_peak
    assert max(data["running"]["rpo"]) == plan.rpo_peak
    assert plan.arena is not None
    assert data["arena"]["size"] == plan.arena.size
    assert data["lives"]["offset"] == [b.offset for b in plan.buffers]
    assert data["lives"]["size"] == [b.size for b in plan.buffers]
    assert sum(data["lives"]["size"][i] for i in data["live"]) == plan.peak


def test_what_is_live_at_a_step_adds_up_to_its_memory() -> None:
    data = unpacked(page_text(explained()))
    lives = data["lives"]
    for step, running in enumerate(data["running"]["result"]):
        spans = zip(lives["birth"], lives["death"], lives["size"], strict=True)
        assert sum(size for birth, death, size in spans if birth <= step < death) == running


def test_who_still_needs_a_tensor_at_the_peak_reads_it_from_then_on_in_the_order_of_the_plan() -> None:
    found = hmcos.explain("zoo:darts-imagenet", time_limit=0.0)
    problem, order, moment = found.problem, found.plan.schedule.order, max(found.plan.crest.step, 0)
    needed = unpacked(page_text(found))["needed"]
    assert set(needed) == {str(i) for i in found.live}
    for i in found.live:
        buffer = found.lives[i].buffer
        assert buffer is not None
        assert needed[str(i)] == [op for op in order[moment:] if op in problem.readers[buffer]]


class Walked(tuple[int, ...]):
    """An order that counts how often somebody goes along it."""

    walks = 0

    def __iter__(self) -> Iterator[int]:
        Walked.walks += 1
        return super().__iter__()

    def __getitem__(self, at: Any) -> Any:
        Walked.walks += isinstance(at, slice)
        return cast(Any, super().__getitem__(at))


def test_nobody_goes_along_the_order_once_for_each_tensor_at_the_peak() -> None:
    n = 200
    wide = Problem(
        names=("split", *("read",) * n),
        sizes=(4,) * (2 * n + 1),
        inputs=(0,),
        kept=(),
        reads=((0,), *((k + 1,) for k in range(n))),
        makes=(tuple(range(1, n + 1)), *((n + k + 1,) for k in range(n))),
        may_overwrite=((),) * (n + 1),
        scratch=(0,) * (n + 1),
    )
    found = hmcos.explain(wide, time_limit=0.0)
    plan = replace(found.plan, schedule=replace(found.plan.schedule, order=Walked(found.plan.schedule.order)))
    changed = replace(found, solved=replace(found.solved, plan=plan))
    assert len(changed.live) > n
    Walked.walks = 0
    page_text(changed)
    assert 0 < Walked.walks < 20


def test_the_page_is_one_small_file_that_asks_for_nothing() -> None:
    page = page_text(hmcos.explain("zoo:darts-imagenet", time_limit=0.0))
    assert len(page.encode()) < 6_000_000
    assert "default-src 'none'" in page
    own = page.replace(writing.plotly_script().read_text(encoding="utf-8"), "")
    assert not re.search(r"""(src|href)=["']?(https?:)?//""", own)
    assert "{{" not in own.replace("{{type", "")


def test_names_never_become_markup() -> None:
    evil = replace(FORK, names=(EVIL, *FORK.names[1:]))
    page = page_text(explained(evil))
    plotly = writing.plotly_script().read_text(encoding="utf-8")
    assert "taken" not in page.replace(plotly, "")
    name = unpacked(page)["operators"]["name"][0]
    assert name.startswith("<script>document.title")
    assert "\x1b" not in name


def test_a_source_that_is_markup_stays_text(tmp_path: Path) -> None:
    path = tmp_path / "<b onclick=x>.json"
    hmcos.export_instance(FORK, path)
    page = page_text(hmcos.explain(path))
    assert "<b onclick" not in page
    assert "&lt;b onclick=x&gt;.json needs" in page


def test_a_page_that_cannot_be_written_names_the_place(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="no-such"):
        write_page(explained(), tmp_path / "no-such" / "report.html")


def test_without_plotly_the_error_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def nothing(_: str) -> None: ...

    monkeypatch.setattr(writing, "find_spec", nothing)
    with pytest.raises(ToolError, match=r"hmcos\[report\]"):
        page_text(explained())


def run(*arguments: str | Path) -> str:
    done = CliRunner().invoke(
        command, [str(a) for a in arguments], catch_exceptions=False, standalone_mode=False
    )
    assert done.exception is None
    return done.output


def test_scheduling_into_a_folder_writes_the_page(tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert f"page:  {out / 'report.html'}" in run("schedule", "zoo:darts-imagenet", "-o", out)
    data = unpacked((out / "report.html").read_text(encoding="utf-8"))
    plan = hmcos.read_plan(out / "plan.json")
    assert data["peak"] == plan.peak
    assert (
        data["command"]
        == f"hmcos schedule zoo:darts-imagenet --target default --alignment 1 -o {quote(str(out))}"
    )


def test_scheduling_without_plotly_still_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writing, "has_plotly", lambda: False)
    hmcos.export_instance(FORK, tmp_path / "fork.json")
    assert "pip install 'hmcos[report]'" in run("schedule", tmp_path / "fork.json", "-o", tmp_path / "out")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["plan.json"]


def test_the_page_of_a_saved_plan_has_all_advice(tmp_path: Path) -> None:
    hmcos.export_instance(FORK, tmp_path / "fork.json")
    hmcos.schedule(tmp_path / "fork.json", output=tmp_path / "out")
    plan = tmp_path / "out" / "plan.json"
    assert run("report", plan).strip() == str(tmp_path / "out" / "report.html")
    data = unpacked((tmp_path / "out" / "report.html").read_text(encoding="utf-8"))
    assert data["changes_tried"] == data["changes_possible"] > 0
    assert [a["saved"] for a in data["advice"]] == [10, 10, 5]
    for wrong in (plan, tmp_path / "fork.json", tmp_path):
        with pytest.raises(OutputError):
            run("report", plan, "-o", wrong)


def test_a_plan_of_a_model_in_memory_needs_its_file(tmp_path: Path) -> None:
    hmcos.schedule(FORK, output=tmp_path / "out")
    hmcos.export_instance(FORK, tmp_path / "fork.json")
    with pytest.raises(hmcos.HmcosError, match="--model"):
        run("report", tmp_path / "out" / "plan.json")
