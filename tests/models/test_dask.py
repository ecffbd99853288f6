"""Evaluate on a cluster of Dask: the same rows as elsewhere, and what happens when workers die."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Generator, Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

import candidates
import hmcos
from hmcos.__main__ import run
from hmcos.memory.instance import write_instance
from hmcos.tasks.evaluate.executors import Given
from hmcos.tasks.evaluate.question import question_of
from hmcos.tasks.request import Request, chosen_target
from networks import FORK

pytest.importorskip("distributed", reason="Dask is not installed")
pytestmark = pytest.mark.slow


@contextmanager
def local_cluster(**options: Any) -> Generator[Any]:
    """A cluster of two processes on this machine, whose workers die of the first fault."""
    dask, distributed = import_module("dask"), import_module("distributed")
    settings = {"distributed.scheduler.allowed-failures": 0, "distributed.comm.timeouts.connect": "60s"}
    with (
        dask.config.set(settings),
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, dashboard_address=None, silence_logs=50, **options
        ) as cluster,
    ):
        yield cluster


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    with local_cluster() as made:
        yield made


@pytest.fixture
def executor(cluster: Any) -> Iterator[Executor]:
    with import_module("distributed").Client(cluster, set_as_default=False) as client:
        yield client.get_executor(retries=0)


def by_name(rows: Iterator[hmcos.Row]) -> dict[str, hmcos.Row]:
    listed = [replace(row, seconds=0.0) for row in rows]
    found = {row.name: row for row in listed}
    assert len(found) == len(listed)
    return found


def test_the_same_rows_as_elsewhere(executor: Executor, tmp_path: Path) -> None:
    instance = tmp_path / "fork.json"
    instance.write_text(write_instance(candidates.fork(5)))
    given: list[Any] = [
        *candidates.slowly(0),
        instance,
        tmp_path / "missing.onnx",
        "zoo:mobilenet-v2",
        ("unnamed function", lambda: FORK),
        candidates.refusing,
        7,
    ]
    here = by_name(hmcos.evaluate(given, jobs=1))
    assert by_name(hmcos.evaluate(given, executor=executor)) == here
    assert len(here) == len(given)
    assert [name for name, row in here.items() if row.error is not None] == [
        str(tmp_path / "missing.onnx"),
        "candidate-64",
        "candidate-65",
    ]


def test_as_many_workers_as_the_cluster_has(executor: Executor) -> None:
    question = question_of(Request(chosen_target("default")), None)
    workers = Given(question, executor, None)
    assert (workers.size, workers.has_files) == (2, False)
    assert Given(question, executor, 5).size == 5


def test_a_worker_that_dies_costs_one_row() -> None:
    given: list[Any] = [*map(candidates.fork, range(1, 20)), ("killer", candidates.killed)]
    given += [(f"after {times}", candidates.fork(times)) for times in range(20, 40)]
    with (
        local_cluster() as cluster,
        import_module("distributed").Client(cluster, set_as_default=False) as client,
    ):
        rows = by_name(hmcos.evaluate(given, executor=client.get_executor(retries=0)))
    assert len(rows) == len(given)
    assert {name: row.error for name, row in rows.items() if row.error is not None} == {
        "killer": "worker died: twice; the second time alone, 1 worker of the cluster died of it"
    }


def test_the_command_line_reaches_a_cluster(
    cluster: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("fork.json").write_text(write_instance(FORK))
    address = str(cluster.scheduler_address)
    Path("scheduler.json").write_text(json.dumps({"address": address}))
    for place in (address, "scheduler.json"):
        assert run(["evaluate", "fork.json", "zoo:nothing", "--dask", place, "--json"]) == 1
        record = json.loads(capsys.readouterr().out)
        assert [row["peak"] for row in record["rows"]] == [120, None]


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("tcp://127.0.0.1:9", "no cluster of Dask answers at tcp://127.0.0.1:9: Timed out"),
        ("nothing://there", "no cluster of Dask answers at nothing://there: unknown address scheme"),
        ("fork.json", "it has no address of a scheduler; name a cluster of Dask"),
        ("missing.json", "No such file or directory; name a cluster of Dask"),
    ],
)
def test_a_cluster_that_is_not_there(address: str, words: str, tmp_path: Path) -> None:
    (tmp_path / "fork.json").write_text(write_instance(FORK))
    ended = subprocess.run(
        [sys.executable, "-m", "hmcos", "evaluate", "fork.json", "--dask", address],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr.startswith("hmcos: error: ") and words in ended.stderr
    assert ended.stderr.count("\n") == 1
