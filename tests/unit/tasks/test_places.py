"""No result replaces what was read, or a file that another result needs; all is known before the search."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path

import pytest
from onnx import TensorProto

import hmcos
from hmcos import staging
from hmcos.__main__ import run
from hmcos.cli.op_sched import op_sched
from hmcos.errors import OutputError
from hmcos.frontends.loading import load, save
from hmcos.report.page import page as writing
from hmcos.report.page.page import has_plotly
from hmcos.staging import same_file
from networks import FORK
from onnx_models import external_diamond, graph, model, node, value

Call = Callable[..., str]


@pytest.fixture
def refused(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Call:
    """A call of the command line that must fail in one line, without a search; returns the line."""

    def no_search(*given: object, **options: object) -> None:
        pytest.fail("searched before the places were checked")

    def no_planner(name: str, jobs: int) -> Callable[..., None]:
        return no_search

    def call(*arguments: object) -> str:
        with monkeypatch.context() as patched:
            patched.setattr("hmcos.network.lowering.Network.find", no_search)
            patched.setattr("hmcos.tasks.place_lives.allocator_called", no_planner)
            assert run([str(argument) for argument in arguments]) == 1
        shown = capsys.readouterr()
        assert shown.out == ""
        assert shown.err.count("\n") == 1
        assert shown.err.startswith("hmcos: error: ")
        return shown.err

    return call


def contents(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def takes(name: str) -> bool:
    """Whether files can have this name; in the locale C, names are ASCII."""
    try:
        return bool(os.fsencode(name))
    except UnicodeEncodeError:
        return False


ACCENTED = pytest.mark.skipif(not takes("\u00e8"), reason="names of files are ASCII in this locale")


@pytest.mark.parametrize("is_there", [False, True])
@pytest.mark.parametrize(
    ("name", "location"),
    [
        ("model", "plan.json"),
        ("model", "Plan.JSON"),
        ("model", "MODEL.onnx"),
        pytest.param("mod\u00e8l", "MODE\u0300L.onnx", marks=ACCENTED),
        pytest.param("mod\u00e8l", "mod\u00c8l_arena.h", marks=ACCENTED),
        ("model", "plan.json/w"),
        ("model", "./plan.JSON/a/w"),
    ],
)
def test_a_result_never_takes_the_name_of_a_data_file(
    tmp_path: Path, name: str, location: str, is_there: bool, refused: Call
) -> None:
    out = tmp_path / "out"
    source = external_diamond(tmp_path / "home", location, name=f"{name}.onnx")
    if is_there:
        shutil.copytree(tmp_path / "home", out, ignore=shutil.ignore_patterns("*l.onnx"))
    before = contents(tmp_path)
    line = refused("schedule", source, "-o", out, "--emit", "c")
    assert "a data file of the model needs this name" in line or "is a folder" in line
    assert contents(tmp_path) == before
    assert out.exists() == is_there


@pytest.mark.skipif(not has_plotly(), reason="plotly is not installed")
@pytest.mark.parametrize("location", ["report.html", "Report.HTML", "report.html/weights"])
def test_the_page_never_takes_the_name_of_a_data_file(
    tmp_path: Path, location: str, refused: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = external_diamond(tmp_path / "home", location)
    assert "report.html: a data file" in refused("schedule", source, "-o", tmp_path / "out")
    assert not (tmp_path / "out").exists()
    # Whoever writes no page needs no place for it.
    monkeypatch.setattr(writing, "has_plotly", lambda: False)
    hmcos.schedule(source, output=tmp_path / "out")
    copied = (tmp_path / "out" / location).read_bytes()
    assert copied == (tmp_path / "home" / location).read_bytes()


def test_pictures_of_the_published_program_never_take_the_name_of_a_data_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    external_diamond(tmp_path / "home", "memory.svg")
    arguments = [str(tmp_path / "home/model.onnx"), str(tmp_path / "out")]
    assert run(arguments, op_sched, "op_sched") == 1
    assert "memory.svg: a data file of the model needs this name" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.skipif(not has_plotly(), reason="plotly is not installed")
def test_results_beside_the_source_spare_its_files(tmp_path: Path, refused: Call) -> None:
    external_diamond(tmp_path, "report.html", name="net.onnx")
    before = contents(tmp_path)
    assert "net.onnx: is the source" in refused("schedule", tmp_path / "net.onnx", "-o", tmp_path)
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub/net.onnx").symlink_to(tmp_path / "net.onnx")
    assert "is the source" in refused("schedule", tmp_path / "net.onnx", "-o", tmp_path / "sub")
    (tmp_path / "sub/net.onnx").unlink()
    os.link(tmp_path / "report.html", tmp_path / "sub/plan.json")
    assert "is the source" in refused("schedule", tmp_path / "net.onnx", "-o", tmp_path / "sub")
    (tmp_path / "sub/plan.json").unlink()
    assert contents(tmp_path) == before


SINGLE = {
    "draw": ["draw", "model.onnx", "-w", "graph", "-o"],
    "instance": ["inspect", "model.onnx", "--instance"],
}


@pytest.mark.parametrize("command", SINGLE)
def test_single_files_spare_the_source_and_its_data(tmp_path: Path, command: str, refused: Call) -> None:
    external_diamond(tmp_path, "data/weights.dot")
    words = [str(tmp_path / word) if word == "model.onnx" else word for word in SINGLE[command]]
    (tmp_path / "link.dot").symlink_to(tmp_path / "model.onnx")
    target = tmp_path / "rules.dot"
    target.write_text((files("hmcos.memory") / "targets/default.toml").read_text())
    before = contents(tmp_path)
    for place in ("data/weights.dot", "link.dot"):
        assert "is the source or one of its files" in refused(*words, tmp_path / place)
    assert "is the source or one of its files" in refused(*words, target, "-t", target)
    assert contents(tmp_path) == before


@pytest.fixture(params=["draw", "instance", "arena", "zoo"])
def single(request: pytest.FixtureRequest, tmp_path: Path) -> list[object]:
    """The words of a command that writes one file, but for its name."""
    if request.param == "zoo":
        return ["zoo", "darts-cifar", "-o"]
    if request.param == "arena":
        (tmp_path / "lives.csv").write_text("id,lower,upper,size\na,0,1,4\n")
        return ["arena", tmp_path / "lives.csv", "-o"]
    hmcos.export_instance(FORK, tmp_path / "fork.json")
    words = SINGLE[request.param]
    return [tmp_path / "fork.json" if word == "model.onnx" else word for word in words]


def test_a_place_that_cannot_be_written_is_told_before_the_work(
    tmp_path: Path, single: list[object], refused: Call
) -> None:
    (tmp_path / "folder.dot").mkdir()
    os.mkfifo(tmp_path / "pipe.dot")
    (tmp_path / "file").write_bytes(b"")
    assert "is a folder" in refused(*single, tmp_path / "folder.dot")
    assert "is a device or a pipe" in refused(*single, tmp_path / "pipe.dot")
    assert "there is no folder" in refused(*single, tmp_path / "none/new.dot")
    assert "is a file" in refused(*single, tmp_path / "file/new.dot")
    assert "ame too long" in refused(*single, tmp_path / f"{'x' * 300}.dot")
    assert "ame too long" in refused(*single, tmp_path / f"{'x/' * 3000}new.dot")
    assert sorted(p.name for p in tmp_path.iterdir() if p.suffix == ".dot") == ["folder.dot", "pipe.dot"]


@pytest.mark.parametrize("location", ["x" * 300, f"{'y' * 300}/w", "z/" * 3000 + "w"])
def test_data_files_with_names_that_no_system_takes(tmp_path: Path, location: str, refused: Call) -> None:
    external_diamond(tmp_path, location, written=False)
    line = refused("schedule", tmp_path / "model.onnx", "-o", tmp_path / "out")
    assert "cannot be read: File name too long" in line
    assert not (tmp_path / "out").exists()


def test_a_name_that_only_the_output_folder_cannot_hold(
    tmp_path: Path, refused: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    """File systems differ in how long a name may be."""
    source = external_diamond(tmp_path / "home", "w" * 200)
    found = Path.lstat

    def lstat(path: Path) -> os.stat_result:
        if len(path.name) > 140 and path.parent != tmp_path / "home":
            raise OSError(36, "File name too long")
        return found(path)

    monkeypatch.setattr(Path, "lstat", lstat)
    assert "ame too long" in refused("schedule", source, "-o", tmp_path / "out/deep")
    assert not (tmp_path / "out").exists()


def test_data_that_is_missing_is_told_before_the_search(tmp_path: Path, refused: Call) -> None:
    external_diamond(tmp_path, "weights.bin")
    (tmp_path / "weights.bin").unlink()
    line = refused("schedule", tmp_path / "model.onnx", "-o", tmp_path / "out")
    assert "weights.bin: is missing; the model keeps its parameters in it" in line
    (tmp_path / "weights.bin").mkdir()
    line = refused("schedule", tmp_path / "model.onnx", "-o", tmp_path / "out")
    assert "weights.bin: is missing" in line
    assert not (tmp_path / "out").exists()


def test_what_stands_in_the_way_of_a_data_file(tmp_path: Path, refused: Call) -> None:
    external_diamond(tmp_path / "home", "data/weights.bin")
    out = tmp_path / "out"
    (out / "data/weights.bin").mkdir(parents=True)
    assert "is a folder" in refused("schedule", tmp_path / "home/model.onnx", "-o", out)
    shutil.rmtree(out / "data")
    (out / "data").write_bytes(b"a file")
    assert "data is a file" in refused("schedule", tmp_path / "home/model.onnx", "-o", out)
    (out / "data").unlink()
    (out / "data").symlink_to("data")
    refused("schedule", tmp_path / "home/model.onnx", "-o", out)
    (out / "data").unlink()
    (out / "data").mkdir()
    (out / "data/weights.bin").symlink_to(tmp_path / "home/model.onnx")
    assert "is the source" in refused("schedule", tmp_path / "home/model.onnx", "-o", out)
    assert not (out / "plan.json").exists()


def test_folders_without_permission(tmp_path: Path, refused: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever runs the tests may be allowed everything: what the system says is replaced."""
    external_diamond(tmp_path / "home", "data/weights.bin")
    source, locked = tmp_path / "home/model.onnx", tmp_path / "out/data"
    locked.mkdir(parents=True)

    def access(path: Path, mode: int) -> bool:
        return not (Path(path) == locked and mode & os.W_OK)

    monkeypatch.setattr(staging.os, "access", access)
    assert f"no permission to write in {locked}" in refused("schedule", source, "-o", tmp_path / "out")
    assert f"no permission to write in {locked}" in refused("schedule", source, "-o", locked / "a/b")
    assert contents(tmp_path / "out") == {}


def test_a_link_to_nothing_is_no_folder(tmp_path: Path, refused: Call) -> None:
    external_diamond(tmp_path, "weights.bin")
    (tmp_path / "out").symlink_to(tmp_path / "nowhere")
    assert "is a file" in refused("schedule", tmp_path / "model.onnx", "-o", tmp_path / "out")


def test_a_path_that_holds_what_no_path_can(tmp_path: Path) -> None:
    external_diamond(tmp_path, "weights.bin")
    for place in ("a\0b", tmp_path / "a\0b"):
        with pytest.raises(OutputError, match="null"):
            hmcos.schedule(tmp_path / "model.onnx", output=place)
        with pytest.raises(OutputError, match="null"):
            hmcos.export_instance(tmp_path / "model.onnx", place)


def test_a_place_that_no_system_can_have_is_no_file(tmp_path: Path) -> None:
    assert not same_file(Path("\0"), tmp_path)
    assert not same_file(tmp_path, Path("\0"))
    assert same_file(tmp_path / "new", tmp_path / "." / "new")


def many_data_files(folder: Path, number: int) -> Path:
    """Return the file of a chain in which every operator has a weight in a file of its own."""
    weights = [TensorProto(name=f"w{i}", data_type=1, dims=[4]) for i in range(number)]
    folder.mkdir()
    for weight in weights:
        weight.data_location = TensorProto.EXTERNAL
        weight.external_data.add(key="location", value=f"{weight.name}.bin")
        (folder / f"{weight.name}.bin").write_bytes(bytes(16))
    nodes = [node("Add", f"t{i} w{i}", f"t{i + 1}") for i in range(number)]
    made = model(graph(nodes, [value("t0", [4])], [value(f"t{number}", [4])], weights))
    (folder / "model.onnx").write_bytes(made.SerializeToString())
    return folder / "model.onnx"


def test_a_model_with_many_data_files_asks_the_system_for_each_a_few_times(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Comparing each with all others took a minute for a thousand."""
    asked: dict[str, int] = {"realpath": 0, "stat": 0}
    realpath, found_stat = os.path.realpath, Path.stat

    def counted_realpath(path: str | os.PathLike[str], **options: bool) -> str:
        asked["realpath"] += 1
        return realpath(path, **options)

    def counted_stat(path: Path, **options: bool) -> os.stat_result:
        asked["stat"] += 1
        return found_stat(path, **options)

    monkeypatch.setattr(os.path, "realpath", counted_realpath)
    monkeypatch.setattr(Path, "stat", counted_stat)
    taken: list[dict[str, int]] = []
    for number in (20, 40):
        asked.update(realpath=0, stat=0)
        found = load(many_data_files(tmp_path / str(number), number))
        hmcos.schedule(found, output=tmp_path / f"out{number}")
        save(found, {}, tmp_path / f"temporary{number}/model.onnx")
        taken.append(dict(asked))
    assert all(0 < taken[1][call] < 2.2 * taken[0][call] for call in asked)
