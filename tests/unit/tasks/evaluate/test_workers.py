"""Workers that die, that take too much, and that must not outlive the run."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pytest

import candidates
import hmcos
from hmcos.errors import ToolError
from hmcos.serving import Child, ChildEndedError
from hmcos.tasks.evaluate import answering, workers
from networks import FORK

resource = pytest.importorskip("resource", reason="this system has no limits for processes")

FORKS = [(f"fork {times}", candidates.fork(times)) for times in range(1, 9)]
HINT = "; workers need a function of a module or a script, jobs=1 any"
PUT_BELOW = (
    "cannot be sent: OptionError: this script calls hmcos.evaluate while a worker imports it to find a"
    ' function in it; put the call below: if __name__ == "__main__":'
)
SCRIPT = """
import hmcos
from networks import FORK

def build():
    return FORK

def main():
    for row in hmcos.evaluate([build, FORK], jobs=2):
        print(row.peak or row.error, flush=True)

{call}
"""


def among_forks(*others: tuple[str, Any]) -> list[Any]:
    """Return candidates in the middle of forks."""
    return [*FORKS[:4], *others, *FORKS[4:]]


def check_forks(rows: dict[str, hmcos.Row]) -> None:
    """Check that all forks have their figures."""
    for times, (name, _) in enumerate(FORKS, 1):
        assert (rows[name].peak, rows[name].error) == (hmcos.schedule(candidates.fork(times)).peak, None)


def rows_by_name(given: list[Any], **options: Any) -> dict[str, hmcos.Row]:
    listed = list(hmcos.evaluate(given, **options))
    assert len(listed) == len(given)
    return {row.name: row for row in listed}


def lives(process: int) -> bool:
    """Return whether a process is there, and is no zombie."""
    status = Path(f"/proc/{process}/status")
    if status.parent.parent.joinpath("self").exists():
        with suppress(OSError):
            return "State:\tZ" not in status.read_text()
        return False
    with suppress(OSError):
        os.kill(process, 0)
        return True
    return False


def wait_until(what: Callable[[], object]) -> None:
    end = time.monotonic() + 60
    while not what():
        assert time.monotonic() < end, "it did not come true"
        time.sleep(0.02)


def started(folder: Path, many: int = 1) -> set[int]:
    """Return the numbers of the processes that left them, once there are so many."""
    wait_until(lambda: len(list(folder.iterdir())) >= many)
    return {int(file.name) for file in folder.iterdir()}


@pytest.mark.slow
def test_a_worker_that_dies_costs_one_row() -> None:
    rows = rows_by_name(among_forks(("killer", candidates.killed)), jobs=2)
    check_forks(rows)
    assert rows["killer"].failure == "worker died"
    assert rows["killer"].error == "worker died: twice; the second time alone, signal 9 (SIGKILL) ended it"


@pytest.mark.slow
def test_whatever_a_candidate_raises_is_its_row(capfd: pytest.CaptureFixture[str]) -> None:
    kinds = (KeyboardInterrupt, GeneratorExit, candidates.LastError, candidates.WordlessError)
    rows = rows_by_name([(kind.__name__, partial(candidates.raising, kind)) for kind in kinds], jobs=2)
    assert {row.error for row in rows.values()} == {f"candidate failed: {kind.__name__}" for kind in kinds}
    assert capfd.readouterr().err == ""


@pytest.mark.slow
def test_a_worker_that_is_killed_while_it_starts_costs_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def killed_first(*given: Any) -> Child:
        started.append(1)
        if len(started) == 1:
            raise ChildEndedError("signal 9 (SIGKILL) ended it")
        return Child(*given)

    started: list[int] = []
    monkeypatch.setattr(workers, "Child", killed_first)
    check_forks(rows_by_name(FORKS, jobs=2))


@pytest.mark.slow
def test_a_worker_that_says_nonsense_is_dead() -> None:
    rows = rows_by_name(among_forks(("nonsense", candidates.saying_nonsense)), jobs=2)
    check_forks(rows)
    assert "something else was written where its answers go" in str(rows["nonsense"].error)


@pytest.mark.parametrize(
    "error", [MemoryError(), ImportError("numpy failed\nx.so: failed to map segment from shared object")]
)
def test_a_library_for_which_there_is_no_memory(error: Exception) -> None:
    assert (
        answering.error_of(error, 1000) == "out of memory: it needs more than the 1,000 bytes of its worker"
    )


@pytest.mark.slow
def test_a_worker_that_dies_once_costs_nothing(tmp_path: Path) -> None:
    once = partial(candidates.killed_once, str(tmp_path / "mark"))
    rows = rows_by_name(among_forks(("once", once)), jobs=2)
    check_forks(rows)
    assert rows["once"].peak == rows["fork 1"].peak


@pytest.mark.slow
def test_a_broken_pool_of_processes_is_replaced() -> None:
    with ProcessPoolExecutor(2, get_context("spawn")) as pool:
        rows = rows_by_name(among_forks(("killer", candidates.killed)), executor=pool)
    check_forks(rows)
    assert rows["killer"].failure == "worker died"


@pytest.mark.slow
def test_a_candidate_that_takes_too_much_memory() -> None:
    given = among_forks(("greedy", candidates.greedy), ("aborting", candidates.aborting))
    rows = rows_by_name(given, jobs=2, memory_limit=1 << 32)
    check_forks(rows)
    for name in ("greedy", "aborting"):
        assert rows[name].error == "out of memory: it needs more than the 4,294,967,296 bytes of its worker"
    (row,) = hmcos.evaluate([candidates.aborting], jobs=2)
    assert row.failure == "worker died" and "std::bad_alloc" in str(row.error)


@pytest.mark.slow
def test_one_job_with_a_limit_of_memory_is_a_process() -> None:
    rows = rows_by_name([("greedy", candidates.greedy), ("fork", FORK)], jobs=1, memory_limit=1 << 32)
    assert (rows["greedy"].failure, rows["fork"].peak) == ("out of memory", 120)


@pytest.mark.slow
def test_a_limit_in_which_no_worker_can_start() -> None:
    with pytest.raises(ToolError, match="a worker process cannot start within 4,000,000 bytes of memory"):
        list(hmcos.evaluate([FORK], jobs=2, memory_limit=4_000_000))


@pytest.mark.slow
def test_leaving_the_loop_ends_the_workers(tmp_path: Path) -> None:
    def forks() -> Iterator[Any]:
        for times in range(1, 1 << 20):
            yield partial(candidates.process_number, str(tmp_path), times)

    for row in hmcos.evaluate(forks(), jobs=2):
        assert row.peak
        if len(list(tmp_path.iterdir())) == 2:
            break
    numbers = started(tmp_path, 2)
    assert numbers & {os.getpid()} == set()
    wait_until(lambda: not any(map(lives, numbers)))


@pytest.mark.slow
def test_closing_ends_workers_in_the_middle_of_their_work(tmp_path: Path) -> None:
    given = [partial(candidates.process_number, str(tmp_path), 1), candidates.asleep, candidates.asleep]
    rows = hmcos.evaluate(given, jobs=2)
    assert next(rows).peak == 120
    rows.close()
    wait_until(lambda: not any(map(lives, started(tmp_path))))
    assert list(rows) == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("call", "printed"),
    [
        ('if __name__ == "__main__": main()', {"120"}),
        ("main()", {"120", PUT_BELOW}),
        (
            'if __name__ == "__main__": main()\nraise SystemExit(0)',
            {"120", f"cannot be sent: SystemExit: 0{HINT}"},
        ),
    ],
)
def test_a_function_of_the_main_script(tmp_path: Path, call: str, printed: set[str]) -> None:
    script = tmp_path / "script.py"
    script.write_text(SCRIPT.format(call=call))
    tests = str(Path(candidates.__file__).parent)
    ended = subprocess.run(
        [sys.executable, script],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([tests, *sys.path])},
        capture_output=True,
        text=True,
        check=True,
    )
    assert set(ended.stdout.splitlines()) == printed


@pytest.mark.slow
def test_what_cannot_be_sent_is_one_row() -> None:
    given = among_forks(("local", lambda: FORK), ("refusing", candidates.Unpicklable()))
    rows = rows_by_name(given, jobs=2)
    check_forks(rows)
    assert rows["local"].failure == rows["refusing"].failure == "cannot be sent"
    assert rows["refusing"].error == f"cannot be sent: TypeError: cannot be pickled{HINT}"
    assert str(rows["local"].error).endswith(HINT)
