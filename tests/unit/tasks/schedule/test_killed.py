"""Results after kill -9 while they replaced older ones: whole, or told from whole ones by all who read them.

A process is killed before each of its operations on files, one after the other: the system tells them to
an audit hook.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

import hmcos
from hmcos.errors import PlanError
from hmcos.network.results import check_written
from hmcos.plan.file.plan_file import read_plan
from tflite_models import branches

pytest.importorskip("fcntl", reason="this system has no locks, by which leftovers are told")

KILLED = """
import os, shutil, sys
from pathlib import Path
import hmcos

home, older, made = map(Path, sys.argv[1:])
CHANGES = {"os.rename", "os.link", "os.remove", "os.rmdir", "os.mkdir", "shutil.rmtree"}
happened, last, watched = 0, None, False

def watch(event, given):
    global happened
    place = str(given[0]) if given else ""
    changes = event in CHANGES or event == "open" and given[2] & (os.O_WRONLY | os.O_RDWR)
    if watched and changes and str(made) in place:
        if happened == last:
            os.kill(os.getpid(), 9)
        happened += 1

def save(number):
    global watched
    out = made / str(number)
    shutil.copytree(older, out)
    watched = True
    hmcos.schedule(home / "net.onnx", output=out, emit="c", alignment=16, overwrite=True)
    watched = False

sys.addaudithook(watch)
save("whole")
for last in range(happened):
    happened = 0
    child = os.fork()
    if not child:
        save(last)
        os._exit(1)
    assert os.waitpid(child, 0)[1] == 9, f"operation {last} did not happen"
"""


def network(folder: Path, scale: int) -> Path:
    """Return the file of a network whose better order is not that of the file, with a data file."""
    wide, one = [scale, 64], [1, 64]
    nodes = [helper.make_node("MatMul", ["x", "w"], ["m"], name="m")]
    nodes += [helper.make_node("Relu", ["m"], [f"r{i}"], name=f"r{i}") for i in range(3)]
    nodes += [
        helper.make_node("ReduceMax", [f"r{i}"], [f"s{i}"], name=f"s{i}", axes=[0], keepdims=1)
        for i in range(3)
    ]
    nodes.append(helper.make_node("Sum", ["s0", "s1", "s2"], ["y"], name="y"))
    weight = numpy_helper.from_array(np.full((4, 64), scale, dtype=np.float32), "w")
    graph = helper.make_graph(
        nodes,
        "net",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [scale, 4])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, one)],
        [weight],
        value_info=[helper.make_tensor_value_info("m", TensorProto.FLOAT, wide)],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    folder.mkdir()
    onnx.save_model(  # pyright: ignore[reportUnknownMemberType]
        model, str(folder / "net.onnx"), save_as_external_data=True, location="w.bin", size_threshold=0
    )
    return folder / "net.onnx"


@dataclass(frozen=True)
class Killed:
    """What there is after processes were killed."""

    home: Path
    older: Path
    whole: Path
    """What a process that was not killed made of a copy of the older results."""
    outs: tuple[Path, ...]
    """What killed processes made of copies, by when they were killed."""


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> Killed:
    folder = tmp_path_factory.mktemp("killed")
    older = network(folder / "before", 8)
    hmcos.schedule(older, output=folder / "older", emit="c", alignment=64)
    network(folder / "home", 9)
    (folder / "made").mkdir()
    words = [str(folder / name) for name in ("home", "older", "made")]
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", KILLED, *words], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    many = len(list((folder / "made").iterdir())) - 1
    outs = tuple(folder / "made" / str(number) for number in range(many))
    return Killed(folder / "home", folder / "older", folder / "made/whole", outs)


RESULTS = ("w.bin", "net.onnx", "net_arena.h", "plan.json")
PAGE = frozenset({"report.html"})
"""Written after the others, where plotly is installed."""


def content(out: Path) -> dict[str, bytes]:
    """Return the results in a folder; those of a plan without seconds and paths, which differ."""
    found = {name: (out / name).read_bytes() for name in RESULTS}
    record = json.loads(found["plan.json"])
    kept = {key: record[key] for key in record if "seconds" not in key and key not in {"source", "outputs"}}
    return {**found, "plan.json": json.dumps(kept).encode()}


def versions(killed: Killed, out: Path) -> tuple[str, ...]:
    """Return of each result in a folder whether it is the older or the newer one, and never half of one."""
    older, newer = content(killed.older), content(killed.whole)
    assert all(older[name] != newer[name] for name in RESULTS)
    found = content(out)
    kinds = {name: {older[name]: "old", newer[name]: "new"} for name in RESULTS}
    return tuple(kinds[name][found[name]] for name in RESULTS)


@pytest.mark.slow
def test_files_are_replaced_whole_and_the_plan_is_the_last(killed: Killed) -> None:
    seen = list(dict.fromkeys(versions(killed, out) for out in killed.outs))
    assert seen == [("new",) * moved + ("old",) * (len(RESULTS) - moved) for moved in range(5)]


def test_a_mixed_set_is_named_and_whole_ones_are_not(killed: Killed) -> None:
    for out in killed.outs:
        plan, kinds = read_plan(out / "plan.json"), versions(killed, out)
        if len(set(kinds)) == 1:
            assert check_written(plan, header=True) == ("w.bin", "net.onnx", "net_arena.h")
        else:
            with pytest.raises(
                PlanError, match=r"w\.bin: was not written with .*plan\.json: a run was interrupted"
            ):
                check_written(plan)


@pytest.mark.slow
def test_what_killed_processes_left_goes_with_the_next_run(killed: Killed, tmp_path: Path) -> None:
    leftovers = 0
    for out in killed.outs:
        again = tmp_path / out.name
        shutil.copytree(out, again)
        before = {path.name for path in again.iterdir()} - {*RESULTS, *PAGE}
        assert all(name.startswith(".hmcos-") and name.endswith(".part") for name in before)
        leftovers += bool(before)
        (again / ".hmcos-notes").write_text("of the user")
        hmcos.schedule(killed.home / "net.onnx", output=again, emit="c", alignment=16, overwrite=True)
        assert versions(killed, again) == ("new",) * 4
        assert {path.name for path in again.iterdir()} - PAGE == {*RESULTS, ".hmcos-notes"}
    assert leftovers > len(killed.outs) // 2


@pytest.mark.parametrize("moved", [1, 2])
def test_everyone_refuses_a_mixed_set(killed: Killed, moved: int, tmp_path: Path) -> None:
    mixed = ("new",) * moved + ("old",) * (4 - moved)
    out = next(out for out in killed.outs if versions(killed, out) == mixed)
    plan, source = out / "plan.json", killed.home.with_name("before") / "net.onnx"
    found = hmcos.verify(source, plan)
    assert not found.holds
    failed = {check.name: check.words for check in found.checks if not check.held}
    assert "w.bin: was not written with" in failed["files"]
    assert not {"same function", "in the arena"} & {check.name for check in found.checks}
    for use in (
        lambda: hmcos.session(plan),
        lambda: hmcos.explain(source, hmcos.read_plan(plan)),
        lambda: hmcos.report(plan, output=tmp_path / "page.html"),
    ):
        with pytest.raises(PlanError, match=r"w\.bin: was not written with"):
            use()
    assert not (tmp_path / "page.html").exists()


def test_a_header_of_another_run_is_named_by_verify(tmp_path: Path) -> None:
    out = tmp_path / "out"
    source = network(tmp_path / "home", 8)
    hmcos.schedule(source, output=out, emit="c")
    (out / "net_arena.h").write_text("other offsets")
    words = {
        check.name: check.words for check in hmcos.verify(source, out / "plan.json").checks if check.failed
    }
    assert list(words) == ["files"]
    assert "net_arena.h: was not written with" in words["files"]
    assert cast(object, hmcos.explain(source, hmcos.read_plan(out / "plan.json")))


@pytest.mark.parametrize("content", [b"", b"garbage", None])
@pytest.mark.parametrize("kind", ["onnx", "tflite"])
def test_a_model_that_is_another_is_named_and_compared(
    tmp_path: Path, kind: str, content: bytes | None
) -> None:
    """Nothing of it is run, but where it differs is told."""
    if kind == "tflite":
        source, other = tmp_path / "net.tflite", branches(number=4).bytes()
        source.write_bytes(branches().bytes())
    else:
        source, other = network(tmp_path / "home", 8), network(tmp_path / "other", 9).read_bytes()
    out = tmp_path / "out"
    hmcos.schedule(source, output=out)
    (out / source.name).write_bytes(other if content is None else content)
    checks = hmcos.verify(source, out / "plan.json").checks
    failed = {check.name: check.words for check in checks if check.failed}
    assert f"{source.name}: was not written with" in failed["files"]
    assert list(failed) == ["files", "written model"]
    assert checks[-1].name == "written model"
