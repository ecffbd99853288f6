"""Files of rows: written row by row, read again, and gone on with after any end."""

from __future__ import annotations

import csv
import json
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Executor, Future
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import candidates
import hmcos
from hmcos.errors import OptionError, OutputError
from hmcos.memory.instance import write_instance
from hmcos.tasks.evaluate import workers
from hmcos.tasks.evaluate.row import FIELDS, Row, read_row, row_record
from hmcos.tasks.evaluate.rows_file import RowsFile
from networks import FORK

GIVEN: list[Any] = [
    *map(candidates.fork, range(1, 9)),
    FORK,
    ("again", FORK),
    "zoo:nothing",
    candidates.builder(3),
]
SUFFIXES = pytest.mark.parametrize("suffix", [".jsonl", ".csv"])

SCRIPT = """
import json, sys
sys.path[:] = json.loads(sys.argv[1])
import hmcos
from candidates import slowly
for row in hmcos.evaluate(slowly(), jobs=int(sys.argv[3]), output=sys.argv[2], resume=True):
    pass
"""

HOLDER = """
import json, sys
sys.path[:] = json.loads(sys.argv[1])
import hmcos
from candidates import endless
for row in hmcos.evaluate(endless(), jobs=1, output=sys.argv[2]):
    print(row.name, flush=True)
    sys.stdin.read()
"""

FULL = """
import json, resource, sys
sys.path[:] = json.loads(sys.argv[1])
import hmcos
from candidates import endless
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    list(hmcos.evaluate(endless(), jobs=1, output=sys.argv[2]))
except hmcos.HmcosError as error:
    print(error)
"""


def written(path: Path) -> list[Row]:
    """Return the rows in a file, without what may differ between runs."""
    if path.suffix == ".csv":
        with path.open(newline="") as file:
            records: list[dict[str, Any]] = [
                {
                    name: (cell or None) if name in ("status", "error") else cell
                    for name, cell in record.items()
                }
                for record in csv.DictReader(file)
            ]
        for record in records:
            for name in ("operators", "given_peak", "peak", "lower_bound", "arena"):
                record[name] = int(record[name]) if record[name] else None
            record["seconds"] = float(record["seconds"])
    else:
        records = [json.loads(line) for line in path.read_text().splitlines()]
    return [replace(read_row(record), seconds=0.0) for record in records]


def without_seconds(rows: Any) -> Counter[Row]:
    return Counter(replace(row, seconds=0.0) for row in rows)


@SUFFIXES
def test_the_file_holds_the_rows(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"rows{suffix}"
    rows = list(hmcos.evaluate(GIVEN, jobs=1, output=path))
    assert written(path) == [replace(row, seconds=0.0) for row in rows]
    assert list(row_record(rows[0])) == list(FIELDS)


@SUFFIXES
def test_each_row_is_in_the_file_when_it_comes(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"rows{suffix}"
    rows = hmcos.evaluate(candidates.endless(), jobs=1, output=path)
    for many in range(1, 4):
        next(rows)
        assert len(written(path)) == many
    rows.close()
    assert len(written(path)) == 3


@SUFFIXES
def test_a_file_without_rows_is_empty(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"rows{suffix}"
    assert list(hmcos.evaluate([], jobs=1, output=path)) == []
    assert written(path) == []
    assert list(hmcos.evaluate([], jobs=1, output=path, resume=True)) == []


@SUFFIXES
def test_what_is_there_is_not_replaced_by_chance(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"rows{suffix}"
    list(hmcos.evaluate([FORK], jobs=1, output=path))
    before = path.read_bytes()
    with pytest.raises(OutputError, match=r"is there already; resume it \(--resume, resume=True\)"):
        hmcos.evaluate([FORK], jobs=1, output=path)
    assert path.read_bytes() == before
    list(hmcos.evaluate([candidates.fork(2)], jobs=1, output=path, overwrite=True))
    assert [row.peak for row in written(path)] == [240]
    with pytest.raises(OptionError, match="not overwritten"):
        hmcos.evaluate([FORK], jobs=1, output=path, overwrite=True, resume=True)


@SUFFIXES
@pytest.mark.parametrize("stood", range(len(GIVEN) + 1))
def test_resuming_gives_the_rows_of_one_run(tmp_path: Path, suffix: str, stood: int) -> None:
    whole, path = tmp_path / f"whole{suffix}", tmp_path / f"rows{suffix}"
    expected = without_seconds(hmcos.evaluate(GIVEN, jobs=1, output=whole))
    rows = hmcos.evaluate(GIVEN, jobs=1, output=path)
    for _ in range(stood):
        next(rows)
    rows.close()
    assert without_seconds(hmcos.evaluate(GIVEN, jobs=1, output=path, resume=True)) == expected
    assert Counter(written(path)) == expected
    again = path.read_bytes()
    assert without_seconds(hmcos.evaluate(GIVEN, jobs=1, output=path, resume=True)) == expected
    assert path.read_bytes() == again


@SUFFIXES
def test_a_torn_last_line_is_written_anew(tmp_path: Path, suffix: str) -> None:
    whole, path = tmp_path / f"whole{suffix}", tmp_path / f"rows{suffix}"
    expected = without_seconds(hmcos.evaluate(GIVEN[:2], jobs=1, output=whole))
    content = whole.read_bytes()
    for length in range(len(content) + 1):
        path.write_bytes(content[:length])
        assert without_seconds(hmcos.evaluate(GIVEN[:2], jobs=1, output=path, resume=True)) == expected
        assert Counter(written(path)) == expected


def test_nothing_is_searched_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "rows.jsonl"
    list(hmcos.evaluate(GIVEN, jobs=1, output=path))
    monkeypatch.setattr("hmcos.tasks.evaluate.answering.search", None)
    rows = list(hmcos.evaluate(GIVEN, jobs=1, output=path, resume=True))
    assert len(rows) == len(GIVEN)
    assert [row.failure for row in rows if row.error] == ["wrong option"]


def test_files_count_by_their_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "rows.jsonl"
    files = [tmp_path / f"{i}.json" for i in range(3)]
    for times, file in enumerate(files, 1):
        file.write_text(write_instance(candidates.fork(times)))
    list(hmcos.evaluate(files, jobs=1, output=path))
    moved = [file.rename(file.with_name(f"moved-{file.name}")) for file in files]
    moved[1].write_text(write_instance(candidates.fork(50)))
    rows = list(hmcos.evaluate(moved, jobs=1, output=path, resume=True))
    assert [row.name for row in rows] == list(map(str, moved))
    assert [row.peak for row in rows] == [120, 120 * 50, 360]
    assert [row.name for row in written(path)] == [*map(str, files), str(moved[1])]


def test_equal_files_have_a_row_each(tmp_path: Path) -> None:
    path, whole = tmp_path / "rows.jsonl", tmp_path / "whole.jsonl"
    files = [tmp_path / f"{i}.json" for i in range(3)]
    for file in files:
        file.write_text(write_instance(FORK))
    expected = without_seconds(hmcos.evaluate(files, jobs=1, output=whole))
    lines = whole.read_text().splitlines(keepends=True)
    for stood in ([2], [1], [1, 2], [0, 2], [2, 1, 0]):
        path.write_text("".join(lines[i] for i in stood))
        assert without_seconds(hmcos.evaluate(files, jobs=1, output=path, resume=True)) == expected
        assert Counter(written(path)) == expected


@SUFFIXES
def test_names_of_all_kinds(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"rows{suffix}"
    given: list[Any] = ["zoo:\ud800", ("\ud800, \"'", "zoo:a\r\nb"), ("", FORK), ("\0", candidates.fork)]
    expected = without_seconds(hmcos.evaluate(given, jobs=1, output=path))
    assert Counter(written(path)) == expected
    again = path.read_bytes()
    assert without_seconds(hmcos.evaluate(given, jobs=1, output=path, resume=True)) == expected
    assert path.read_bytes() == again


class Far(Executor):
    """Evaluates here, but looks like one whose workers have not the files of this machine."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        future.set_result(fn(*args, **kwargs))
        return future


def test_wrong_files_have_the_same_rows_from_everywhere(tmp_path: Path) -> None:
    torn, missing = tmp_path / "torn.onnx", tmp_path / "missing.onnx"
    torn.write_bytes(b"torn")
    near, far = tmp_path / "near.jsonl", tmp_path / "far.jsonl"
    list(hmcos.evaluate([torn, missing], jobs=1, output=near))
    list(hmcos.evaluate([torn, missing], executor=Far(), output=far))
    assert written(near) == written(far)
    again = near.read_bytes()
    list(hmcos.evaluate([torn, missing], executor=Far(), output=near, resume=True))
    assert near.read_bytes() == again


def test_a_file_that_its_worker_died_of_has_its_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def dead(*_: object) -> None:
        raise workers.WorkerDiedError("signal 9 ended it")

    path, file = tmp_path / "rows.jsonl", tmp_path / "fork.json"
    file.write_text(write_instance(FORK))
    with monkeypatch.context() as patched:
        patched.setattr(workers.Here, "answer", dead)
        (row,) = hmcos.evaluate([file], jobs=1, output=path)
    assert row.failure == "worker died"
    again = path.read_bytes()
    assert [row] == list(hmcos.evaluate([file], jobs=1, output=path, resume=True))
    assert path.read_bytes() == again


@pytest.mark.parametrize("listed", [True, False])
def test_a_candidate_is_never_written_over(tmp_path: Path, *, listed: bool) -> None:
    model, link = tmp_path / "fork.json", tmp_path / "rows.jsonl"
    model.write_text(write_instance(FORK))
    link.symlink_to(model)
    given: list[Any] = [("it", model), FORK]
    with pytest.raises(OutputError, match=r"rows.jsonl: is the candidate .*fork.json; name another file"):
        list(hmcos.evaluate(given if listed else iter(given), jobs=1, output=link, overwrite=True))
    assert model.read_text() == write_instance(FORK)


def test_a_target_is_never_written_over(tmp_path: Path) -> None:
    target, link = tmp_path / "mine.toml", tmp_path / "rows.csv"
    target.write_bytes((Path(hmcos.__file__).parent / "memory" / "targets" / "hmcos.toml").read_bytes())
    link.symlink_to(target)
    before = target.read_bytes()
    with pytest.raises(OutputError, match="is the target"):
        hmcos.evaluate([FORK], target=target, jobs=1, output=link, overwrite=True)
    assert target.read_bytes() == before


@pytest.mark.slow
def test_two_runs_never_write_to_the_same_file(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, json.dumps(sys.path), path],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"candidate-0\n"
    before = path.read_bytes()
    ways: list[dict[str, Any]] = [{"resume": True}, {"overwrite": True}]
    for options in ways:
        with pytest.raises(OutputError, match=r"rows.jsonl: another run writes to it"):
            list(hmcos.evaluate([FORK, candidates.fork(2)], jobs=1, output=path, **options))
        assert path.read_bytes() == before
    process.kill()
    process.communicate()
    assert len(list(hmcos.evaluate([FORK, candidates.fork(2)], jobs=1, output=path, resume=True))) == 2


def test_a_file_that_has_changed_since_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    ways: list[dict[str, Any]] = [{}, {"resume": True}]
    for options in ways:
        rows = hmcos.evaluate([FORK, candidates.fork(2)], jobs=1, output=path, **options)
        list(hmcos.evaluate([candidates.fork(3)], jobs=1, output=path, resume=True))
        before = path.read_bytes()
        with pytest.raises(OutputError, match="has changed since this run was prepared"):
            list(rows)
        assert path.read_bytes() == before
        path.unlink()


@SUFFIXES
def test_without_a_row_nothing_is_replaced(tmp_path: Path, suffix: str) -> None:
    def broken() -> Any:
        raise LookupError

    path = tmp_path / f"rows{suffix}"
    list(hmcos.evaluate([FORK], jobs=1, output=path))
    before = path.read_bytes()
    with pytest.raises(LookupError):
        list(hmcos.evaluate((broken() for _ in "x"), jobs=1, output=path, overwrite=True))
    assert path.read_bytes() == before


@pytest.mark.slow
@SUFFIXES
def test_a_full_disk_leaves_whole_rows(tmp_path: Path, suffix: str) -> None:
    pytest.importorskip("resource", reason="this system has no limits for processes")
    path = tmp_path / f"rows{suffix}"
    ended = subprocess.run(
        [sys.executable, "-c", FULL, json.dumps(sys.path), path], capture_output=True, text=True, check=True
    )
    assert ended.stdout == f"{path}: cannot be written: File too large\n"
    assert 0 < path.stat().st_size <= 1000
    assert len(written(path)) > 0
    assert path.read_bytes().endswith(b"\n")


@pytest.mark.parametrize(
    "other",
    [
        {"budget": 100},
        {"target": "tflm"},
        {"bind": {"n": 1}},
        {"state_limit": 7},
        {"time_limit": 1},
        {"alignment": 8},
        {"allocator": "largest_first"},
        {"external_io": True},
        {"scheduler": "rpo"},
        {"seed": 1},
    ],
)
def test_rows_of_another_request_are_refused(tmp_path: Path, other: dict[str, Any]) -> None:
    path = tmp_path / "rows.jsonl"
    list(hmcos.evaluate([FORK], jobs=1, output=path))
    before = path.read_bytes()
    with pytest.raises(OutputError, match=r"rows.jsonl: line 1 is of another request .* name another file"):
        hmcos.evaluate([FORK], jobs=1, output=path, resume=True, **other)
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("rows.jsonl", b"not a row"),
        ("rows.jsonl", b"not a row\n"),
        ("rows.jsonl", b"[1]\n"),
        ("rows.jsonl", b"{}\n"),
        ("rows.jsonl", b"\xff\xfe\n"),
        ("rows.jsonl", b"[" * 100_000 + b"\n"),
        ("rows.csv", b"a,b\n1,2\n"),
        ("rows.csv", b"model"),
        ("rows.csv", b"name,key,operators,given_peak,peak,lower_bound,arena,status,seconds,error\n1,2\n"),
    ],
)
def test_other_files_are_refused_and_stay(tmp_path: Path, name: str, content: bytes) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(OutputError, match=f"{name}: .*name another file"):
        hmcos.evaluate([FORK], jobs=1, output=path, resume=True)
    assert path.read_bytes() == content


def test_a_changed_row_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    list(hmcos.evaluate([FORK, candidates.fork(2)], jobs=1, output=path))
    first, second = map(json.loads, path.read_text().splitlines())
    texts = (("peak", "much"), ("seconds", None), ("status", "fine"), ("error", 3), ("name", 1))
    numbers = (("peak", -1), ("lower_bound", 1 << 40), ("seconds", -1), ("seconds", float("nan")))
    for field, value in (*texts, *numbers, ("lower_bound", None)):
        path.write_text("".join(json.dumps(row) + "\n" for row in (first, second | {field: value})))
        with pytest.raises(OutputError, match="line 2 is no row"):
            RowsFile(path).standing(first["key"].rpartition("@")[2])


@pytest.mark.slow
@pytest.mark.parametrize(("suffix", "jobs"), [(".jsonl", 1), (".csv", 2)])
def test_resuming_after_a_kill_at_any_moment(tmp_path: Path, suffix: str, jobs: int) -> None:
    path = tmp_path / f"rows{suffix}"
    expected = without_seconds(hmcos.evaluate(candidates.slowly(0), jobs=1))
    draw = random.Random(jobs)
    for _ in range(4):
        process = subprocess.Popen(
            [sys.executable, "-c", SCRIPT, json.dumps(sys.path), path, str(jobs)], stderr=subprocess.PIPE
        )
        before = path.stat().st_size if path.exists() else 0
        end = time.monotonic() + 120
        while process.poll() is None and time.monotonic() < end:
            if path.exists() and path.stat().st_size > before:
                time.sleep(draw.random() / 20)
                break
            time.sleep(0.001)
        process.kill()
        process.communicate()
    assert path.read_bytes().count(b"\n") > 0
    resumed = hmcos.evaluate(candidates.slowly(0), jobs=jobs, output=path, resume=True)
    assert without_seconds(resumed) == expected
    assert Counter(written(path)) == expected
