"""Rows of many candidates: what each says, who computes it, and that nothing ends the run."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from hashlib import sha256
from multiprocessing import get_context
from os import scandir
from pathlib import Path
from typing import Any
from weakref import WeakSet

import pytest

import candidates
import hmcos
from hmcos.errors import OptionError, OutputError, ToolError
from hmcos.limits import Status
from hmcos.memory.instance import write_instance
from hmcos.tasks.evaluate import answering
from networks import FORK
from onnx_models import chain

FILES = ("fixed.onnx", "fork.json", "open.onnx", "other.onnx")


def figures(rows: Iterable[hmcos.Row]) -> dict[str, hmcos.Row]:
    """Return the rows by name, without what may differ between runs."""
    listed = list(rows)
    found = {row.name: replace(row, seconds=0.0) for row in listed}
    assert len(found) == len(listed), "each candidate has one row"
    return found


def mixed(folder: Path) -> list[Any]:
    """Return candidates of all kinds, right and wrong."""
    instance = folder / "fork.json"
    instance.write_text(write_instance(candidates.fork(5)))
    torn = folder / "torn.onnx"
    torn.write_bytes(b"no model")
    return [
        instance,
        torn,
        str(folder / "missing.onnx"),
        "zoo:mobilenet-v2",
        "zoo:nothing",
        FORK,
        ("again", FORK),
        candidates.builder(2),
        ("built", candidates.builder(3)),
        candidates.refusing,
        candidates.exiting,
        3,
        None,
        ("a pair", ()),
        *map(candidates.fork, range(6, 12)),
    ]


@pytest.mark.parametrize("jobs", [1, 2])
def test_rows_say_what_schedule_says(jobs: int) -> None:
    given = {f"candidate-{i}": candidates.fork(1 + i) for i in range(8)}
    rows = figures(hmcos.evaluate(given.values(), jobs=jobs))
    assert rows.keys() == given.keys()
    for name, problem in given.items():
        plan, row = hmcos.schedule(problem), rows[name]
        assert plan.arena is not None
        assert (row.operators, row.given_peak, row.peak) == (5, plan.given_peak, plan.peak)
        assert (row.lower_bound, row.arena, row.status) == (plan.lower_bound, plan.arena.size, plan.status)
        assert (row.error, row.failure, row.fits) == (None, None, None)


@pytest.mark.slow
def test_the_same_rows_from_everywhere(tmp_path: Path) -> None:
    given = mixed(tmp_path)
    here = figures(hmcos.evaluate(given, jobs=1))
    assert len(here) == len(given)
    assert figures(hmcos.evaluate(given, jobs=2)) == here
    with ThreadPoolExecutor(2) as threads:
        assert figures(hmcos.evaluate(given, executor=threads)) == here
    with ProcessPoolExecutor(2, get_context("spawn")) as processes:
        assert figures(hmcos.evaluate(given, executor=processes)) == here


def test_what_is_wrong_with_a_candidate(tmp_path: Path) -> None:
    rows = figures(hmcos.evaluate(mixed(tmp_path), jobs=1))
    wrong = {name: row.error for name, row in rows.items() if row.error is not None}
    torn, missing = str(tmp_path / "torn.onnx"), str(tmp_path / "missing.onnx")
    assert wrong.keys() == {
        torn,
        missing,
        "zoo:nothing",
        *(f"candidate-{i}" for i in (9, 10, 11, 12)),
        "a pair",
    }
    assert rows[missing].failure == "wrong model"
    assert wrong[missing] == f"wrong model: {missing}: does not exist"
    assert wrong["candidate-9"] == "candidate failed: ValueError: cannot build this"
    assert wrong["candidate-10"] == "candidate failed: SystemExit: 3"
    assert (wrong["candidate-11"] or "").startswith(
        "not a model: it is of the type int; candidates are paths"
    )
    assert "of the type NoneType" in (wrong["candidate-12"] or "")
    assert "of the type tuple" in (wrong["a pair"] or "")
    assert all(row.peak is None and row.status is None for name, row in rows.items() if name in wrong)


class NoModule:
    """Of no module."""


NoModule.__module__ = None  # pyright: ignore[reportAttributeAccessIssue]


class NoPath:
    def __fspath__(self) -> str:
        raise ValueError("no path")


class Touchy:
    def __getattr__(self, name: str) -> object:
        raise RuntimeError(f"do not ask for {name}")


class Named(str):
    __slots__ = ()

    def startswith(self, *_: object) -> bool:
        raise ValueError("do not ask")


def test_whatever_a_candidate_is_it_is_a_row() -> None:
    given: list[Any] = [NoModule(), NoPath(), Touchy(), Named("missing.onnx"), Touchy, FORK]
    rows = {row.name: row for row in hmcos.evaluate(given, jobs=1)}
    failures = [rows[f"candidate-{number}"].failure for number in (0, 1, 2, 4, 5)]
    assert failures == ["not a model"] * 4 + [None]
    assert rows["missing.onnx"].error == "wrong model: missing.onnx: does not exist"


@pytest.mark.slow
def test_entries_of_a_folder_are_paths(tmp_path: Path) -> None:
    (tmp_path / "fork.json").write_text(write_instance(FORK))
    entries: list[Any] = [*scandir(tmp_path), *scandir(bytes(tmp_path))]
    for entry in entries:
        (row,) = hmcos.evaluate([entry], jobs=2)
        assert (row.name, row.peak) == (str(tmp_path / "fork.json"), 120)


@pytest.mark.parametrize("kind", [GeneratorExit, candidates.LastError, candidates.WordlessError])
def test_whatever_a_function_raises_is_its_row(kind: type[BaseException]) -> None:
    with ThreadPoolExecutor(1) as threads:
        ways: list[dict[str, Any]] = [{"jobs": 1}, {"executor": threads}]
        for options in ways:
            rows = list(hmcos.evaluate([partial(candidates.raising, kind), FORK], **options))
            assert [row.error for row in rows] == [f"candidate failed: {kind.__name__}", None]


def test_a_ctrl_c_here_is_the_users() -> None:
    with pytest.raises(KeyboardInterrupt):
        list(hmcos.evaluate([partial(candidates.raising, KeyboardInterrupt)], jobs=1))


@pytest.mark.parametrize("kind", [RecursionError, ValueError])
def test_what_an_executor_cannot_pickle_is_a_row(kind: type[Exception]) -> None:
    class Deep(Executor):
        def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
            raise kind("too deep")

    rows = list(hmcos.evaluate([FORK, FORK, ("other", candidates.fork(2))], executor=Deep(), jobs=2))
    assert len(rows) == 3
    assert all(str(row.error).startswith(f"cannot be sent: {kind.__name__}: too deep") for row in rows)


def test_what_a_function_returns_is_a_model() -> None:
    given: list[Any] = [("nested", lambda: candidates.fork), ("no", lambda: 7)]
    rows = figures(hmcos.evaluate(given, jobs=1))
    assert (rows["nested"].failure, rows["no"].failure) == ("not a model", "not a model")
    assert "what the function returned: it is of the type int" in str(rows["no"].error)


def test_a_budget_is_answered_for_each() -> None:
    rows = figures(hmcos.evaluate([("small", FORK), ("large", candidates.fork(100))], budget=200, jobs=1))
    small, large = rows["small"], rows["large"]
    assert (small.status, small.fits, small.arena) == (Status.FITS, True, None)
    assert (large.status, large.fits) == (Status.DOES_NOT_FIT, False)
    assert large.lower_bound is not None and large.lower_bound > 200


def test_a_budget_of_which_a_limit_leaves_nothing_known() -> None:
    wide = hmcos.lower("zoo:randwire")
    peak = hmcos.schedule(wide).peak
    (row,) = hmcos.evaluate([wide], budget=peak - 1, time_limit=0, jobs=1)
    assert row.status in (Status.TIME_LIMIT, Status.DOES_NOT_FIT)
    assert row.fits is (None if row.status is Status.TIME_LIMIT else False)


def test_an_arena_that_does_not_fit_leaves_it_open() -> None:
    (row,) = hmcos.evaluate([FORK], budget=120, allocator="auto", jobs=1)
    assert (row.status, row.arena) == (Status.FITS, 120)


def test_keys_name_what_a_row_is_of(tmp_path: Path) -> None:
    instance, model = tmp_path / "fork.json", tmp_path / "chain.onnx"
    instance.write_text(write_instance(FORK))
    model.write_bytes(chain().SerializeToString())
    given = [instance, model, FORK, ("same", replace(FORK, names=("x",) * 5)), ("built", candidates.fork)]
    rows = figures(hmcos.evaluate([*given, "zoo:mobilenet-v2"], jobs=1))
    requests = {row.key.rpartition("@")[2] for row in rows.values()}
    assert len(requests) == 1
    keys = {name: row.key.rpartition("@")[0] for name, row in rows.items()}
    assert keys[str(instance)] == sha256(instance.read_bytes()).hexdigest()
    assert keys[str(model)] == sha256(model.read_bytes()).hexdigest()
    assert keys["candidate-2"] == keys["same"]
    assert (keys["built"], keys["zoo:mobilenet-v2"]) == ("built", "zoo:mobilenet-v2")
    (other,) = hmcos.evaluate([FORK], budget=1, jobs=1)
    assert other.key.rpartition("@")[0] == keys["same"] and not requests & {other.key.rpartition("@")[2]}


def test_equal_problems_are_searched_once(monkeypatch: pytest.MonkeyPatch) -> None:
    searched: list[object] = []

    def counted(*asked: Any) -> Any:
        searched.append(asked)
        return real(*asked)

    real = answering.search
    monkeypatch.setattr(answering, "search", counted)
    new = candidates.fork(7919)  # this process remembers what functions built in other tests
    same = replace(new, names=("other",) * 5)
    rows = list(hmcos.evaluate([new, same, new, FORK, lambda: new], jobs=1))
    assert len({row.peak for row in rows}) == 2
    assert len(rows) == 5
    assert len(searched) == 3, "a worker builds what the function says before it knows what that is"


class Slow(Executor):
    """Never answers, and remembers what it was asked; `after` so many, it answers all, the last one first."""

    def __init__(self, after: int | None = None) -> None:
        self.asked: list[tuple[Future[Any], Any]] = []
        self.after = after

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        if len(self.asked) == self.after:
            for one, answer in reversed(self.asked):
                one.set_result(answer)
        self.asked.append((future, fn(*args, **kwargs)))
        return future


def test_never_more_than_twice_the_workers_are_at_work() -> None:
    taken: list[int] = []

    def counted() -> Iterator[hmcos.Problem]:
        for number, problem in enumerate(candidates.endless()):
            taken.append(number)
            yield problem

    executor = Slow()
    rows = hmcos.evaluate(counted(), executor=executor, jobs=3, interrupted=lambda: len(executor.asked) == 6)
    assert list(rows) == []
    assert len(taken) == 6


def test_equal_problems_at_work_count_too() -> None:
    taken: list[int] = []

    def equal() -> Iterator[hmcos.Problem]:
        while True:
            taken.append(1)
            yield FORK

    executor = Slow()
    rows = hmcos.evaluate(equal(), executor=executor, jobs=3, interrupted=lambda: len(taken) == 6)
    assert (list(rows), len(taken), len(executor.asked)) == ([], 6, 1)


@pytest.mark.slow
@pytest.mark.parametrize("jobs", [1, 2])
def test_nothing_is_held_that_was_handed_out(jobs: int, tmp_path: Path) -> None:
    alive: WeakSet[hmcos.Problem] = WeakSet()
    most = 0

    def many() -> Iterator[hmcos.Problem]:
        for times in range(1, 1001):
            problem = candidates.chain(5, times)
            alive.add(problem)
            yield problem

    rows = 0
    for row in hmcos.evaluate(many(), jobs=jobs, output=tmp_path / "rows.jsonl", budget=1 << 20):
        rows, most = rows + (row.error is None), max(most, len(alive))
    assert (rows, len(alive)) == (1000, 0)
    assert most <= 2 * jobs + 2


def test_symbols_are_bound_where_a_model_has_them(tmp_path: Path) -> None:
    for name, shape in (("fixed", (2, 3)), ("open", ("n", 3)), ("other", ("m", 3))):
        (tmp_path / f"{name}.onnx").write_bytes(chain(shape).SerializeToString())
    (tmp_path / "fork.json").write_text(write_instance(FORK))
    rows = figures(hmcos.evaluate(sorted(tmp_path.iterdir()), bind={"n": 2}, jobs=1))
    fixed, fork, opened, other = (rows[str(tmp_path / name)] for name in FILES)
    assert (fixed.peak, fork.peak) == (opened.peak, 120)
    assert other.failure == "unknown sizes"
    (wrong,) = hmcos.evaluate([tmp_path / "open.onnx"], bind={"n": 0}, jobs=1)
    assert wrong.failure == "wrong option"


def test_rows_come_in_the_order_of_completion() -> None:
    executor = Slow(after=3)
    rows = hmcos.evaluate(map(candidates.fork, (1, 2, 3, 4)), executor=executor, jobs=2)
    assert [next(rows).name for _ in range(3)] == ["candidate-2", "candidate-1", "candidate-0"]
    rows.close()
    assert executor.asked[3][0].cancelled()


def test_candidates_that_raise_keep_the_rows_of_those_before(tmp_path: Path) -> None:
    def breaking() -> Iterator[hmcos.Problem]:
        yield from map(candidates.fork, range(1, 6))
        raise LookupError("no more of them")

    rows: list[hmcos.Row] = []
    output = tmp_path / "rows.jsonl"
    with pytest.raises(LookupError, match="no more of them"):
        rows.extend(hmcos.evaluate(breaking(), jobs=2, output=output))
    assert len(output.read_text().splitlines()) == 5


def test_a_table_has_all_rows(tmp_path: Path) -> None:
    table = hmcos.evaluate([FORK, "zoo:nothing"], jobs=1).table()
    assert len(table) == 2
    assert {row.name for row in table} == {"candidate-0", "zoo:nothing"}
    assert repr(table) == "<Table: 2 rows, 1 of them errors>"
    table.write_csv(tmp_path / "rows.csv")
    lines = (tmp_path / "rows.csv").read_text().splitlines()
    assert lines[0] == "name,key,operators,given_peak,peak,lower_bound,arena,status,seconds,error"
    assert len(lines) == 3
    pandas = pytest.importorskip("pandas", reason="pandas is not installed")
    frame = table.to_pandas()
    assert list(frame.columns) == lines[0].split(",")
    assert frame.loc[frame["name"] == "candidate-0", "peak"].item() == table[0].peak == 120
    assert isinstance(frame, pandas.DataFrame)


@pytest.mark.parametrize("wrong", ["zoo:randwire", FORK, Path("x.onnx"), 3])
def test_candidates_are_many(wrong: Any) -> None:
    with pytest.raises(OptionError, match=r"write \[model\], not model"):
        hmcos.evaluate(wrong)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"jobs": 0}, "jobs: at least 1, not 0"),
        ({"memory_limit": 0}, "memory limit: at least 1, not 0"),
        ({"resume": True}, "resuming needs an output"),
        ({"time_limit": -1}, "time limit"),
        ({"alignment": 0}, "an alignment is at least 1 byte, not 0"),
        ({"executor": ThreadPoolExecutor}, r"an executor, not its class: write ThreadPoolExecutor\(...\)"),
        ({"target": "nowhere"}, "no target is called 'nowhere'"),
        ({"scheduler": "nobody"}, "nobody"),
        ({"output": "rows.txt"}, "rows are written as JSON lines or CSV"),
    ],
)
def test_wrong_options_are_said_before_anything_begins(options: dict[str, Any], words: str) -> None:
    with pytest.raises(hmcos.HmcosError, match=words):
        hmcos.evaluate([FORK], **options)


def test_a_memory_limit_is_for_our_processes() -> None:
    with ThreadPoolExecutor(1) as threads, pytest.raises(OptionError, match="limits of its own"):
        hmcos.evaluate([FORK], executor=threads, memory_limit=1 << 30)


def test_an_executor_that_was_shut_down() -> None:
    threads = ThreadPoolExecutor(1)
    threads.shutdown()
    with pytest.raises(ToolError, match="the executor takes no candidate"):
        list(hmcos.evaluate([FORK], executor=threads))


def test_workers_without_hmcos() -> None:
    class Elsewhere(Executor):
        def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
            future: Future[Any] = Future()
            future.set_exception(ModuleNotFoundError("No module named 'hmcos'", name="hmcos"))
            return future

    with pytest.raises(ToolError, match=r"a worker cannot import hmcos .*: install this version there"):
        list(hmcos.evaluate([FORK], executor=Elsewhere()))


def test_what_is_no_executor() -> None:
    wrong: Any = 7
    with pytest.raises(OptionError, match="not of the type int"):
        hmcos.evaluate([FORK], executor=wrong)


def test_an_output_in_a_missing_folder(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="there is no folder"):
        hmcos.evaluate([FORK], output=tmp_path / "none" / "rows.jsonl")


def test_rows_hold_no_more_than_they_say() -> None:
    (row,) = hmcos.evaluate([("a\nb", FORK)], jobs=1)
    assert row.name == "a\\nb"
    assert repr(row) == "<Row a\\nb: peak 120 B, optimal, arena 120 B>"
