"""A plan finds its source from any folder, also after both have moved, or makes it of the written model."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from onnx import ModelProto, parser

import hmcos
import onnx_models
import tflite_models
from hmcos.errors import HmcosError, PlanError
from hmcos.frontends.loading import load
from hmcos.frontends.model import Model
from hmcos.limits import Watch
from hmcos.network.opening import open_source
from hmcos.network.restoring import network_of
from hmcos.network.results import check_written, written_model
from hmcos.network.sources import restored, source_of
from hmcos.plan.plan import Plan
from hmcos.report.page.page import has_plotly, unpacked
from hmcos.tasks.places import output_places
from hmcos.tasks.schedule.saving import save
from hmcos.tasks.schedule.task import restored as restored_plan
from networks import FORK
from onnx_models import branches, diamond, external_diamond
from unit.verify import faults


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with a model in it."""
    folder = tmp_path / "home"
    folder.mkdir()
    (folder / "net.onnx").write_bytes(diamond().SerializeToString())
    monkeypatch.chdir(folder)
    return folder


def found(plan: Path) -> Path | None:
    """Return the file that a plan takes for its source; the network must be the one that was planned."""
    read = hmcos.read_plan(plan)
    opened = source_of(read, "put it back")
    assert network_of(read, opened).numbers == read.scheduled
    return opened.path


def first_edition(plan: Path) -> None:
    """Make a plan file one of the first edition, which knew only the name of the source."""
    record = json.loads(plan.read_text())
    for part, key in (("source", "absolute"), ("source", "relative"), ("outputs", "sha256")):
        record[part].pop(key, None)
    plan.write_text(json.dumps(record))


@pytest.mark.parametrize("edition", [1, 2])
def test_from_any_folder(home: Path, edition: int, monkeypatch: pytest.MonkeyPatch) -> None:
    hmcos.schedule("net.onnx", output="out")
    hmcos.schedule("net.onnx", output=home / "away")
    if edition == 1:
        first_edition(home / "out/plan.json")
    monkeypatch.chdir(os.sep)
    assert found(home / "out/plan.json") == home / "net.onnx"
    assert edition == 1 or found(home / "away/plan.json") == home / "net.onnx"
    monkeypatch.chdir(home / "out")
    assert found(Path("plan.json")) == home / "net.onnx"
    read = hmcos.read_plan("plan.json")
    monkeypatch.chdir(os.sep)
    assert source_of(read, "").path == home / "net.onnx"
    assert edition == 1 or check_written(read) == ("net.onnx",)


@pytest.mark.parametrize("edition", [1, 2])
def test_when_both_have_moved(home: Path, edition: int) -> None:
    hmcos.schedule("net.onnx", output="deep/out")
    if edition == 1:
        first_edition(home / "deep/out/plan.json")
    moved = home.rename(home.with_name("moved"))
    assert found(moved / "deep/out/plan.json") == moved / "net.onnx"


def test_when_the_plan_has_moved_alone(home: Path, tmp_path: Path) -> None:
    hmcos.schedule("net.onnx", output="out")
    shutil.copy("out/plan.json", tmp_path / "plan.json")
    assert found(tmp_path / "plan.json") == home / "net.onnx"
    # Also where the name of the written model is that of the source.
    shutil.copy("out/plan.json", home / "plan.json")
    shutil.rmtree("out")
    assert found(home / "plan.json") == home / "net.onnx"
    assert hmcos.verify("net.onnx", home / "plan.json").holds


def test_links_are_seen_through(home: Path, tmp_path: Path) -> None:
    """The path from a folder that is reached by a link is that from where the folder is."""
    (tmp_path / "far/away").mkdir(parents=True)
    (home / "out").symlink_to(tmp_path / "far/away")
    hmcos.schedule("net.onnx", output="out")
    assert hmcos.read_plan("out/plan.json").source.relative == "../../home/net.onnx"
    moved = tmp_path.rename(tmp_path.with_name(f"{tmp_path.name}-moved"))
    assert found(moved / "far/away/plan.json") == moved / "home/net.onnx"


def test_another_file_in_its_place_is_passed_over(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hmcos.schedule("net.onnx", output="out")
    kept = shutil.copytree("out", home.with_name("kept"))
    (home.with_name("net.onnx")).write_bytes(branches().SerializeToString())
    assert found(kept / "plan.json") == home / "net.onnx"
    other = home.with_name("other")
    other.mkdir()
    shutil.move("net.onnx", other / "net.onnx")
    monkeypatch.chdir(other)
    assert found(kept / "plan.json") == Path("net.onnx")


def functions() -> ModelProto:
    """Return a model with a local function, so that numbers count the nodes of the inlined model."""
    made = faults.model(
        "net (float[N,8] x) => (float[N,8] y) { a = Relu(x) b = own.both(a) y = own.both(b) }"
    )
    text = '<opset_import: ["" : 21], domain: "own"> both (u) => (v) { s = Sin(u) c = Cos(u) v = Add(s, c) }'
    made.functions.append(parser.parse_function(text))
    made.opset_import.add(domain="own", version=1)
    return made


def planned(folder: Path, kind: str, seed: int) -> tuple[Model, Plan]:
    """Return a source and the plan of a random order, written to `out` beside it."""
    if kind.startswith("tflite"):
        source = folder / "net.tflite"
        source.write_bytes(getattr(tflite_models, kind.removeprefix("tflite "))().bytes())
        target, bind = "tflm", {}
    else:
        source = folder / "net.onnx"
        made = functions() if kind == "functions" else getattr(onnx_models, kind)()
        source.write_bytes(made.SerializeToString())
        target, bind = "default", {"loop": {"batch": 2}, "functions": {"N": 2}}.get(kind, {})
    plan = hmcos.schedule(
        source, bind=bind, scheduler="random", seed=seed, output=folder / "out", target=target
    )
    return load(source, bind or None), plan


KINDS = ["diamond", "branches", "loop", "functions", "tflite branches", "tflite loop"]


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("kind", KINDS)
def test_the_written_model_stands_in_for_a_source_that_is_gone(tmp_path: Path, kind: str, seed: int) -> None:
    source, plan = planned(tmp_path, kind, seed)
    written = written_model(plan)
    assert written is not None
    model = restored(plan, written)
    assert model.graph.operators == source.graph.operators
    assert model.graph.tensors == source.graph.tensors
    assert source.path is not None
    source.path.unlink()
    moved = (tmp_path / "out").rename(tmp_path / "moved")
    assert found(moved / "plan.json") == moved / written.name
    found_plan = hmcos.read_plan(moved / "plan.json")
    told = hmcos.explain(source_of(found_plan, "").content, found_plan)
    assert told.plan.peak == plan.peak


def test_bodies_within_bodies_are_put_back(tmp_path: Path) -> None:
    """Paths in the written model count other nodes than those in the plan."""
    inner = "{} () => (float[4] {}) {{ {} = Sin(x) {} = Cos({}) }}"
    text = f"""net (float[4] x, bool flag) => (float[4] y) {{
        a = Exp(x)
        b = If(flag) <then_branch = t () => (float[4] t4) {{
            t1 = Neg(x)
            t2 = Abs(x)
            t3 = If(flag) <then_branch = {inner.format("p", "p2", "p1", "p2", "p1")},
                           else_branch = {inner.format("q", "q2", "q1", "q2", "q1")}>
            t5 = Add(t1, t2)
            t4 = Add(t5, t3)
        }}, else_branch = {inner.format("e", "e2", "e1", "e2", "e1")}>
        y = Add(a, b)
    }}"""
    source = faults.saved(tmp_path, text)
    plan = hmcos.schedule(source, output=tmp_path / "out")
    then = {"node 1/then_branch": (2, 1, 0, 3, 4)}
    turned = replace(
        plan,
        order=(1, 0, 2),
        bodies=tuple(replace(body, order=then.get(body.path, body.order)) for body in plan.bodies),
    )
    opened = open_source(source)
    places = output_places(opened, tmp_path / "turned")
    turned = save(replace(restored_plan(plan, opened), plan=turned), places, Watch()).plan
    written = written_model(turned)
    assert written is not None
    assert restored(turned, written).graph.operators == load(source).graph.operators


def test_a_session_runs_without_the_source(tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    source = external_diamond(tmp_path / "home", "data/weights.bin")
    hmcos.schedule(source, output=tmp_path / "out")
    shutil.rmtree(tmp_path / "home")
    session = hmcos.session(tmp_path / "out/plan.json")
    assert [value.name for value in session.get_inputs()] == ["x"]


@pytest.mark.skipif(not has_plotly(), reason="plotly is not installed")
def test_a_page_from_the_root_folder_with_a_short_headline(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hmcos.schedule(home / "net.onnx", output="out")
    monkeypatch.chdir(os.sep)
    page = hmcos.report(home / "out/plan.json").read_text(encoding="utf-8")
    assert "<title>Memory of net.onnx</title>" in page
    assert unpacked(page)["verdict"].startswith("net.onnx needs ")
    assert unpacked(page)["model"] == str(home / "net.onnx")
    (home / "net.onnx").unlink()
    assert unpacked(hmcos.report(home / "out/plan.json").read_text(encoding="utf-8"))["peak"] > 0


def test_names_that_are_no_paths_stay_whole(tmp_path: Path) -> None:
    assert hmcos.schedule("zoo:darts-cifar", time_limit=0.0).source.title == "zoo:darts-cifar"
    assert hmcos.schedule(FORK).source.title == "<problem>"


def failing(plan: Path) -> str:
    with pytest.raises(PlanError) as caught:
        source_of(hmcos.read_plan(plan), "name it with --model")
    message = str(caught.value)
    assert "\n" not in message
    assert message.endswith("; name it with --model") or message.endswith(", or name it with --model")
    return message


def test_what_is_nowhere_is_told_with_all_places(home: Path, tmp_path: Path) -> None:
    hmcos.schedule("net.onnx", output="out")
    for place in ("net.onnx", "out/net.onnx"):
        (home / place).unlink()
    shutil.copy("out/plan.json", tmp_path / "plan.json")
    message = failing(tmp_path / "plan.json")
    assert f"its model is not at {tmp_path.parent / 'net.onnx'} or {home / 'net.onnx'} or net.onnx" in message
    (home / "net.onnx").write_bytes(branches().SerializeToString())
    assert f"{home / 'net.onnx'}: has changed since the plan was made" in failing(tmp_path / "plan.json")


def test_an_instance_is_found_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hmcos.export_instance(FORK, tmp_path / "fork.json")
    hmcos.schedule(tmp_path / "fork.json", output=tmp_path / "out")
    monkeypatch.chdir(os.sep)
    assert found(tmp_path / "out/plan.json") == tmp_path / "fork.json"
    (tmp_path / "fork.json").unlink()
    assert "its model is not at" in failing(tmp_path / "out/plan.json")


def altered(plan: Path, part: str, **values: Any) -> Path:
    record = json.loads(plan.read_text())
    record[part] = {**record[part], **values}
    changed = plan.with_name("changed.json")
    changed.write_text(json.dumps(record))
    return changed


def test_a_plan_from_anywhere_has_nothing_read_that_is_not_its_own(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not even opened, where it is a device or a pipe, which could keep us waiting for ever."""
    hmcos.schedule("net.onnx", output="out")
    (home / "net.onnx").unlink()
    (home / "out/net.onnx").unlink()
    os.mkfifo(tmp_path / "pipe")
    places = [
        str(tmp_path / "pipe"),
        "/dev/zero",
        "/dev/tty",
        str(tmp_path),
        "x" * 5000,
        "a\0b",
        "",
        "\udcff",
    ]
    opened: list[str] = []
    found_open: Any = Path.open

    def opening(path: Path, *given: Any, **options: Any) -> Any:
        opened.append(str(path))
        return found_open(path, *given, **options)

    for place in places:
        for key in ("absolute", "relative", "name", "model"):
            part = "outputs" if key == "model" else "source"
            changed = altered(home / "out/plan.json", part, **{key: place})
            with monkeypatch.context() as patched:
                patched.setattr(Path, "open", opening)
                with pytest.raises(HmcosError):
                    source_of(hmcos.read_plan(changed), "put it back")
                assert check_written(hmcos.read_plan(changed)) == ()
    assert set(opened) == {str(home / "out/changed.json")}


@pytest.mark.parametrize(
    "key", ["/etc/passwd", "../net.onnx", "a/../../b", "", ".", "C:\\x", "\\x", "..\\x", "a\0b"]
)
def test_files_of_a_plan_are_within_its_folder(home: Path, key: str) -> None:
    hmcos.schedule("net.onnx", output="out")
    changed = altered(home / "out/plan.json", "outputs", sha256={key: "0" * 64})
    with pytest.raises(PlanError, match=r"outputs\.sha256\..*: must be a path within the folder of the plan"):
        hmcos.read_plan(changed)


@pytest.mark.parametrize("digest", ["", "0" * 63, "G" * 64, "A" * 64, f"{'0' * 64}\n"])
def test_digests_of_a_plan_are_digests(home: Path, digest: str) -> None:
    hmcos.schedule("net.onnx", output="out")
    changed = altered(home / "out/plan.json", "outputs", sha256={"net.onnx": digest})
    with pytest.raises(PlanError, match=r"outputs\.sha256\.net\.onnx: must be a sha256 in hex"):
        hmcos.read_plan(changed)


@pytest.mark.parametrize("key", ["absolute", "relative"])
@pytest.mark.parametrize("value", [None, 7, [], {}])
def test_places_of_a_source_are_text(home: Path, key: str, value: object) -> None:
    hmcos.schedule("net.onnx", output="out")
    with pytest.raises(PlanError, match=rf"source\.{key}: must be text"):
        hmcos.read_plan(altered(home / "out/plan.json", "source", **{key: value}))


def test_a_written_model_with_another_content_stands_in_for_nothing(home: Path) -> None:
    hmcos.schedule("net.onnx", output="out")
    (home / "net.onnx").unlink()
    (home / "out/net.onnx").write_bytes(branches().SerializeToString())
    assert "its model is not at" in failing(home / "out/plan.json")
    first_edition(home / "out/plan.json")
    assert "its model is not at" in failing(home / "out/plan.json")


def test_orders_of_bodies_that_make_no_sense_are_refused(tmp_path: Path) -> None:
    source = faults.saved(tmp_path, faults.NET)
    hmcos.schedule(source, output=tmp_path / "out")
    source.unlink()
    plan = tmp_path / "out/plan.json"
    bodies = [{"peak": 0, "lower_bound": 0, "status": "optimal", "order": [0]}]
    for path in (
        "x",
        "node 0",
        "node x/then",
        "node 99/then",
        "node 0/a/node 0/b",
        "node 0/a/b",
        "node 0/then",
    ):
        record = json.loads(plan.read_text())
        record["bodies"] = [{**bodies[0], "path": path}]
        changed = plan.with_name("changed.json")
        changed.write_text(json.dumps(record))
        with pytest.raises(HmcosError) as caught:
            source_of(hmcos.read_plan(changed), "put it back")
        assert "\n" not in str(caught.value)
