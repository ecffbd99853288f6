"""The whole way: a model file in, a reordered model and a plan out, from the command line and the API."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any, cast

import onnx
import pytest
from onnx import TensorProto, helper

import hmcos
from hmcos.__main__ import run
from hmcos.errors import OutputError
from hmcos.limits import Limits, Status, Watch, never
from hmcos.plan.plan import Plan

pytestmark = pytest.mark.slow

untyped = cast(Any, onnx)
"""onnx, where its annotations are incomplete."""

NASNET = "zoo:nasnet-cifar"
LONG = Path(__file__).parents[2] / "benchmarks/quality/instances/randwire-96-s0.json"
"""Nobody has seen the end of this search."""

PAGE = "report.html"
"""Written as well where plotly is installed."""


def hmcos_process(*arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "hmcos", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=cwd)


def branches(path: Path, external: bool = False, name: str = "branches") -> Path:
    """Write a network of three branches that grow large and shrink again; the file's order is the worst."""
    nodes = [helper.make_node("Tile", ["x", "times"], [f"wide{i}"], name=f"grow{i}") for i in range(3)]
    nodes += [
        helper.make_node("ReduceMax", [f"wide{i}"], [f"thin{i}"], name=f"shrink{i}", keepdims=1)
        for i in range(3)
    ]
    nodes += [helper.make_node("Concat", ["thin0", "thin1", "thin2"], ["all"], axis=0)]
    nodes += [helper.make_node("Mul", ["all", "weight"], ["y"])]
    graph = helper.make_graph(
        nodes,
        name,
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [64])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [3])],
        [
            helper.make_tensor("times", TensorProto.INT64, [1], [100]),
            helper.make_tensor("weight", TensorProto.FLOAT, [3], struct.pack("<3f", 1, 2, 3), raw=True),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    if external:
        untyped.save_model(model, path, save_as_external_data=True, location="weights.bin", size_threshold=0)
    else:
        path.write_bytes(model.SerializeToString())
    return path


def node_texts(path: str | Path) -> list[bytes]:
    nodes = onnx.ModelProto.FromString(Path(path).read_bytes()).graph.node
    return [node.SerializeToString(deterministic=True) for node in nodes]


def test_schedule_writes_the_permuted_model_and_the_plan(tmp_path: Path) -> None:
    source = branches(tmp_path / "net.onnx")
    out = tmp_path / "deep" / "out"
    plan = hmcos.schedule(source, output=out)
    assert plan.outputs.model == str(out / "net.onnx")
    before, after = node_texts(source), node_texts(out / "net.onnx")
    assert after == [before[number] for number in plan.order]
    assert after != before
    assert plan.status == "optimal"
    assert plan.peak == plan.lower_bound == 64 * 4 + 25600 + 2 * 4
    assert plan.given_peak == 64 * 4 + 3 * 25600
    assert sorted(p.name for p in out.iterdir() if p.name != PAGE) == ["net.onnx", "plan.json"]
    assert hmcos.read_plan(out / "plan.json").order == plan.order
    assert plan.source.sha256 == hashlib.sha256(source.read_bytes()).hexdigest()


def test_the_peak_moment_lists_tensors_that_add_up_to_the_peak(tmp_path: Path) -> None:
    plan = hmcos.schedule(branches(tmp_path / "net.onnx"))
    assert sum(tensor.size for tensor in plan.crest.tensors) == plan.peak
    assert plan.crest.operator is not None
    assert plan.operators[plan.crest.operator].kind in {"Tile", "ReduceMax"}
    assert plan.memory.running[plan.crest.step] == plan.peak


def test_external_data_stands_beside_the_written_model(tmp_path: Path) -> None:
    source = branches(tmp_path / "net.onnx", external=True)
    hmcos.schedule(source, output=tmp_path / "out")
    names = {p.name for p in (tmp_path / "out").iterdir()}
    assert names - {PAGE} == {"net.onnx", "plan.json", "weights.bin"}
    untyped.checker.check_model(str(tmp_path / "out" / "net.onnx"))


@pytest.mark.parametrize("name", ["net.onnx", "weights.bin"])
def test_a_result_never_replaces_the_source_not_even_through_a_link(tmp_path: Path, name: str) -> None:
    source = branches(tmp_path / "net.onnx", external=True)
    content = {p.name: p.read_bytes() for p in tmp_path.iterdir()}
    out = tmp_path / "out"
    out.mkdir()
    (out / "net.onnx").symlink_to(tmp_path / name)
    with pytest.raises(OutputError, match=r"net\.onnx"):
        hmcos.schedule(source, output=out)
    with pytest.raises(OutputError, match=r"net\.onnx"):
        hmcos.schedule(source, output=tmp_path)
    assert [p.name for p in out.iterdir()] == ["net.onnx"]
    assert {name: (tmp_path / name).read_bytes() for name in content} == content


def test_a_plan_never_replaces_the_problem_it_came_from(tmp_path: Path) -> None:
    problem = hmcos.lower(branches(tmp_path / "net.onnx"))
    instance = tmp_path / "plan.json"
    instance.write_text(hmcos.write_instance(problem))
    before = instance.read_bytes()
    with pytest.raises(OutputError, match="is the source"):
        hmcos.schedule(instance, output=tmp_path)
    assert instance.read_bytes() == before


def test_json_prints_exactly_the_documented_object(tmp_path: Path) -> None:
    source = branches(tmp_path / "net.onnx")
    done = hmcos_process("schedule", str(source), "--json", "-o", str(tmp_path / "out"))
    assert (done.returncode, done.stderr) == (0, "")
    record = cast(dict[str, Any], json.loads(done.stdout))
    assert list(record) == [
        "model",
        "operators",
        "target",
        "scheduler",
        "status",
        "scheduled_operators",
        "peak",
        "lower_bound",
        "given_peak",
        "rpo_peak",
        "order",
        "seconds",
        "outputs",
        "arena",
        "largest_first_arena",
    ]
    assert record["operators"] == record["scheduled_operators"] == 8
    assert record["status"] == "optimal"
    assert sorted(record["order"]) == list(range(8))
    assert list(record["seconds"]) == ["load", "schedule", "save", "total"]
    assert record["outputs"] == {
        "model": str(tmp_path / "out" / "net.onnx"),
        "plan": str(tmp_path / "out" / "plan.json"),
    }


def test_a_published_network_reaches_its_published_optimum() -> None:
    done = hmcos_process("schedule", NASNET, "--target", "hmcos", "--json")
    record = cast(dict[str, Any], json.loads(done.stdout))
    assert record["outputs"] == {"model": None, "plan": None}
    assert record["given_peak"] == 2_605_824
    assert record["rpo_peak"] == 2_359_296
    assert (record["peak"], record["lower_bound"], record["status"]) == (1_786_624, 1_786_624, "optimal")


def test_an_instance_gives_the_same_answer_as_its_model(tmp_path: Path) -> None:
    source = branches(tmp_path / "net.onnx")
    instance = tmp_path / "net.json"
    assert hmcos_process("inspect", str(source), "--instance", str(instance)).returncode == 0
    of_model, of_instance = hmcos.schedule(source), hmcos.schedule(instance, output=tmp_path / "out")
    assert of_instance.peak == of_model.peak
    assert of_instance.order == of_model.schedule.order
    assert of_instance.outputs.model is None
    assert {p.name for p in (tmp_path / "out").iterdir()} - {PAGE} == {"plan.json"}


@pytest.mark.parametrize(
    ("budget", "status", "code"), [("1MiB", "fits", 0), ("25.5K", "fits", 0), ("20K", "does not fit", 3)]
)
def test_a_budget_is_answered_by_status_and_exit_code(
    tmp_path: Path, budget: str, status: str, code: int
) -> None:
    source = branches(tmp_path / "net.onnx")
    done = hmcos_process("schedule", str(source), "--budget", budget, "--json")
    assert (done.returncode, json.loads(done.stdout)["status"]) == (code, status)


def test_an_undecided_budget_exits_with_4() -> None:
    done = hmcos_process("schedule", NASNET, "--scheduler", "random", "--budget", "1.8MB", "--json")
    assert (done.returncode, json.loads(done.stdout)["status"]) == (4, "feasible")


def test_a_limit_still_writes_a_valid_result(tmp_path: Path) -> None:
    out = tmp_path / "out"
    done = hmcos_process("schedule", NASNET, "--time-limit", "0", "--json", "-o", str(out))
    record = cast(dict[str, Any], json.loads(done.stdout))
    assert (done.returncode, record["status"]) == (0, "time limit")
    assert record["lower_bound"] < record["peak"]
    assert (out / "nasnet-cifar.onnx").is_file()


@pytest.mark.parametrize(("presses", "code"), [(1, 0), (2, 130)])
def test_ctrl_c_keeps_the_result_and_a_second_one_drops_it(tmp_path: Path, presses: int, code: int) -> None:
    out = tmp_path / "out"
    program = (
        "import os, signal, sys\n"
        "from hmcos import __main__\n"
        "from hmcos.api import scheduling\n"
        "found = scheduling.open_source\n"
        "def pressed(*given):\n"
        f"    for _ in range({presses}): os.kill(os.getpid(), signal.SIGINT)\n"
        "    return found(*given)\n"
        "scheduling.open_source = pressed\n"
        f"sys.exit(__main__.run(['schedule', {NASNET!r}, '--json', '-o', {str(out)!r}]))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stderr
    assert out.exists() == (code == 0)
    if code == 0:
        assert json.loads(done.stdout)["status"] == "interrupted"
    assert "Traceback" not in done.stderr


def test_a_closed_pipe_is_quiet(tmp_path: Path) -> None:
    source = branches(tmp_path / "net.onnx")
    command = ["sh", "-c", '"$0" -m hmcos schedule "$1" --json | true', sys.executable, str(source)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stderr == ""


@pytest.mark.parametrize("kind", ["cut", "noise", "empty", "folder", "missing", "cycle", "json", "suffix"])
def test_bad_input_is_one_line_that_names_the_file(tmp_path: Path, kind: str) -> None:
    path = tmp_path / ("bad.json" if kind == "json" else "bad.txt" if kind == "suffix" else "bad.onnx")
    good = branches(tmp_path / "good.onnx").read_bytes()
    if kind == "cut":
        path.write_bytes(good[: len(good) // 2])
    elif kind in {"noise", "json", "suffix"}:
        path.write_bytes(b"\xff\xfe nothing of the kind")
    elif kind == "empty":
        path.write_bytes(b"")
    elif kind == "folder":
        path.mkdir()
    elif kind == "cycle":
        model = onnx.load_from_string(good)
        model.graph.node[0].input[0] = "y"
        path.write_bytes(model.SerializeToString())
    out = tmp_path / "out"
    done = hmcos_process("schedule", str(path), "--json", "-o", str(out))
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.startswith("hmcos: error: ")
    assert str(path) in done.stderr
    assert done.stderr.count("\n") == 1
    assert not out.exists()


def test_without_permission_to_write_nothing_is_searched_or_written(tmp_path: Path) -> None:
    source = branches(tmp_path / "net.onnx")
    locked = tmp_path / "locked"
    locked.mkdir(mode=0o555)
    if os.access(locked, os.W_OK):
        pytest.skip("this user may write everywhere")
    with pytest.raises(OutputError, match="permission"):
        hmcos.schedule(source, output=locked / "out")


def test_an_output_folder_that_is_a_file_is_refused(tmp_path: Path) -> None:
    source = branches(tmp_path / "net.onnx")
    with pytest.raises(OutputError, match="is a file"):
        hmcos.schedule(source, output=source)
    with pytest.raises(OutputError, match=r"is a file|cannot be made|permission"):
        hmcos.schedule(source, output=source / "below")


def loop_model(limit_free: bool = False) -> onnx.ModelProto:
    """Return an If and a Loop whose bodies stand in a bad order."""

    def body(name: str, results: list[str]) -> list[onnx.NodeProto]:
        nodes = [helper.make_node("Concat", ["x"] * 100, [f"{name}_w{i}"], axis=0) for i in range(2)]
        nodes += [helper.make_node("ReduceSum", [f"{name}_w{i}"], [f"{name}_t{i}"]) for i in range(2)]
        return [*nodes, helper.make_node("Concat", [f"{name}_t0", f"{name}_t1"], results, axis=0)]

    def value(name: str, shape: list[int], kind: int = TensorProto.FLOAT) -> onnx.ValueInfoProto:
        return helper.make_tensor_value_info(name, kind, shape)

    then = helper.make_graph(body("a", ["a_y"]), "then", [], [value("a_y", [2])])
    other = helper.make_graph(
        [helper.make_node("Identity", ["small"], ["b_y"])], "else", [], [value("b_y", [2])]
    )
    looped = helper.make_graph(
        [
            *body("c", ["c_y"]),
            helper.make_node("Add", ["c_y", "carried"], ["c_next"]),
            helper.make_node("Identity", ["go"], ["go_on"]),
        ],
        "body",
        [value("i", [], TensorProto.INT64), value("go", [], TensorProto.BOOL), value("carried", [2])],
        [value("go_on", [], TensorProto.BOOL), value("c_next", [2])],
    )
    nodes = [
        helper.make_node("If", ["flag"], ["picked"], then_branch=then, else_branch=other),
        helper.make_node("Loop", ["trips", "flag", "picked"], ["y"], body=looped),
    ]
    graph = helper.make_graph(
        nodes,
        "bodies",
        [value("x", [64]), value("flag", [], TensorProto.BOOL), value("small", [2])],
        [value("y", [2])],
        [
            helper.make_tensor("times", TensorProto.INT64, [1], [100]),
            helper.make_tensor("trips", TensorProto.INT64, [], [3]),
        ],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 11)], ir_version=7)


def test_bodies_are_reordered_and_counted_as_scratch(tmp_path: Path) -> None:
    model = loop_model()
    path = tmp_path / "bodies.onnx"
    path.write_bytes(model.SerializeToString())
    plan = hmcos.schedule(path, output=tmp_path / "out")
    assert plan.status == "optimal"
    assert [body.path for body in plan.bodies] == ["node 0/else_branch", "node 0/then_branch", "node 1/body"]
    then = plan.bodies[1]
    # One wide tensor at a time, beside the thin result of the other.
    assert then.peak == 25600 + 4 + 4
    assert then.order != (0, 1, 2, 3, 4)
    # Running the If: x, flag and small are live (the latter two are read by it or by the Loop), its
    # output of 8 bytes, and what its larger body needs beyond that output.
    assert plan.memory.running[0] == 256 + 1 + 8 + 8 + (then.peak - 8)
    written = onnx.ModelProto.FromString((tmp_path / "out" / "bodies.onnx").read_bytes())
    source_nodes = model.graph.node[0].attribute[1].g.node
    assert list(written.graph.node[0].attribute[1].g.node) == [source_nodes[i] for i in then.order]


def test_a_body_that_was_not_solved_keeps_the_model_from_being_called_optimal() -> None:
    plan = hmcos.schedule(loop_model(), interrupted=lambda: True)
    assert (plan.status == Status.OPTIMAL) == (plan.peak == plan.lower_bound)
    for body in plan.bodies:
        if body.peak != body.lower_bound:
            assert plan.status != Status.OPTIMAL


def test_symbols_are_listed_and_bound(tmp_path: Path) -> None:
    model = onnx.ModelProto.FromString(branches(tmp_path / "net.onnx").read_bytes())
    model.graph.input[0].type.tensor_type.shape.dim[0].dim_param = "width"
    path = tmp_path / "symbolic.onnx"
    path.write_bytes(model.SerializeToString())
    failed = hmcos_process("schedule", str(path))
    assert failed.returncode == 1
    assert "width" in failed.stderr
    assert "--bind" in failed.stderr
    shown = hmcos_process("inspect", str(path), "--json")
    record = cast(dict[str, Any], json.loads(shown.stdout))
    assert (shown.returncode, record["unbound"], record["activation_bytes"]) == (0, ["width"], None)
    assert record["inputs"] == [{"name": "x", "element": "float32", "shape": ["width"]}]
    assert "width" in record["obstacle"]
    assert "--bind width=VALUE" in hmcos_process("inspect", str(path)).stdout
    bound = hmcos_process("schedule", str(path), "--bind", "width=64", "--json")
    assert json.loads(bound.stdout)["peak"] == 64 * 4 + 25600 + 2 * 4


def test_a_plan_is_the_same_every_time_but_for_its_seconds(tmp_path: Path) -> None:
    def timeless(plan: Plan) -> dict[str, Any]:
        record = cast(dict[str, Any], json.loads(Path(str(plan.outputs.plan)).read_text()))
        return {key: record[key] for key in record if "seconds" not in key}

    source = branches(tmp_path / "net.onnx")
    first = timeless(hmcos.schedule(source, output=tmp_path / "out"))
    assert first == timeless(hmcos.schedule(source, output=tmp_path / "out"))


def test_interrupting_a_long_search_ends_it_soon(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    looked, reached = 0, Watch.reached

    def interrupting(watch: Watch, limits: Limits, states: int) -> Status | None:
        """Press Ctrl-C when a search that can be interrupted asks for the thousandth time whether to stop."""
        nonlocal looked
        if watch.interrupted is not never:  # cheap planners run to their end
            looked += 1
            if looked == 1000:
                os.kill(os.getpid(), signal.SIGINT)
        return reached(watch, limits, states)

    monkeypatch.setattr(Watch, "reached", interrupting)
    assert run(["schedule", str(LONG), "--json"]) == 0
    shown = capsys.readouterr()
    assert json.loads(shown.out)["status"] == "interrupted"
    assert "stopping; the best so far is the result" in shown.err
    assert 1000 < looked < 1100  # nothing goes on searching
