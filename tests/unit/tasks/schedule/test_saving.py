from __future__ import annotations

import errno
import os
import stat
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import IO, Any, Self

import pytest

import hmcos
from hmcos.errors import OutputError, VerifyError
from hmcos.limits import Watch
from hmcos.memory.target import load_target
from hmcos.network.opening import Opened, open_source
from hmcos.plan.plan import Plan
from hmcos.staging import staged
from hmcos.tasks.places import output_places
from hmcos.tasks.request import ArenaRequest, Request
from hmcos.tasks.schedule.recheck import recheck
from hmcos.tasks.schedule.saving import save
from hmcos.tasks.schedule.solved import Solved
from hmcos.tasks.schedule.task import run
from hmcos.zoo.catalogue import build
from onnx_models import external_diamond


@pytest.fixture(scope="module")
def opened() -> Opened:
    return open_source(build("nasnet", cells=1, filters=4))


@pytest.fixture(scope="module")
def solved(opened: Opened) -> Solved:
    return run(Request(load_target("default"), arena=ArenaRequest()), opened, Watch())


def contents(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


@pytest.fixture(params=[False, True], ids=["into nothing", "over older results"])
def out(request: pytest.FixtureRequest, tmp_path: Path, opened: Opened, solved: Solved) -> Path:
    """A folder for results, with or without older ones."""
    folder = tmp_path / "a" / "out"
    if request.param:
        older = replace(solved, plan=replace(solved.plan, given_peak=solved.plan.given_peak + 1))
        save(older, output_places(opened, folder, header=True), Watch())
        (folder / "mine.txt").write_text("a file of the user")
    return folder


class FullDisk:
    """Stands in for the file that is written: the disk is full after so many bytes."""

    def __init__(self, file: IO[bytes], room: list[int]) -> None:
        self.file, self.room = file, room

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.file.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.file, name)

    def write(self, content: bytes) -> int:
        written = self.file.write(content[: self.room[0]])
        self.room[0] -= written
        if written < len(content):
            raise OSError(errno.ENOSPC, "No space left on device")
        return written


@pytest.mark.parametrize("room", [0, 5_000, 50_000, 60_000])
def test_a_disk_that_fills_up_leaves_what_was_there(
    out: Path, tmp_path: Path, room: int, opened: Opened, solved: Solved, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, left, found = contents(tmp_path), [room], Path.open

    def opening(path: Path, mode: str = "r", **options: Any) -> Any:
        file: Any = found(path, mode, **options)
        return FullDisk(file, left) if "x" in mode else file

    monkeypatch.setattr(Path, "open", opening)
    with pytest.raises(OutputError, match=r"cannot be written: No space left on device") as caught:
        save(solved, output_places(opened, out, header=True), Watch())
    assert str(out) in str(caught.value)
    assert left == [0]
    assert contents(tmp_path) == before
    assert (tmp_path / "a").exists() == bool(before)


@pytest.fixture(params=[True, False], ids=["with hard links", "without hard links"])
def _hard_links(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """File systems that have hard links, and those that do not."""

    def no_link(*_: object, **__: object) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    if not request.param:
        monkeypatch.setattr(os, "link", no_link)


@pytest.mark.usefixtures("_hard_links")
@pytest.mark.parametrize("moved", [0, 1, 2])
@pytest.mark.parametrize("error", [OSError(errno.EIO, "Input/output error"), KeyboardInterrupt()])
def test_a_file_that_cannot_take_its_place_leaves_what_was_there(
    out: Path,
    error: BaseException,
    moved: int,
    opened: Opened,
    solved: Solved,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tmp_path = out.parents[1]
    before, done, found = contents(tmp_path), list[str](), Path.replace

    def replacing(path: Path, target: Path) -> Path:
        if path.suffix == "" and target.parent == out:  # not an older file that is kept or put back
            if len(done) == moved:
                raise error
            done.append(target.name)
        return found(path, target)

    monkeypatch.setattr(Path, "replace", replacing)
    with pytest.raises((OutputError, KeyboardInterrupt)):
        save(solved, output_places(opened, out, header=True), Watch())
    assert done == ["model.onnx", "model_arena.h", "plan.json"][:moved]
    assert contents(tmp_path) == before
    assert (tmp_path / "a").exists() == bool(before)


def test_a_disk_that_turns_out_full_when_it_is_synced_leaves_what_was_there(
    out: Path, tmp_path: Path, opened: Opened, solved: Solved, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = contents(tmp_path)

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OutputError, match=r"model\.onnx: cannot be written: No space left on device"):
        save(solved, output_places(opened, out, header=True), Watch())
    assert contents(tmp_path) == before


@pytest.mark.parametrize("name", ["model.onnx", "plan.json"])
def test_an_interruption_while_an_older_file_is_put_aside_brings_it_back(
    tmp_path: Path, name: str, opened: Opened, solved: Solved, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where there are no hard links, the older file has no name in its folder for a moment."""
    save(solved, output_places(opened, tmp_path), Watch())
    before, found = contents(tmp_path), Path.replace

    def replacing(path: Path, target: Path) -> Path:
        moved = found(path, target)
        if path.name == name:
            raise KeyboardInterrupt
        return moved

    def no_link(*_: object, **__: object) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(Path, "replace", replacing)
    monkeypatch.setattr(os, "link", no_link)
    with pytest.raises(KeyboardInterrupt):
        save(solved, output_places(opened, tmp_path), Watch())
    assert contents(tmp_path) == before


def test_the_plan_is_on_the_disk_after_all_that_it_tells_of(
    out: Path, opened: Opened, solved: Solved, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every file before any takes its place; the names of the others before the plan takes its own."""
    events, synced, found = list[str](), os.fsync, Path.replace

    def syncing(descriptor: int) -> None:
        events.append("folder" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "file")
        synced(descriptor)

    def replacing(path: Path, target: Path) -> Path:
        events.append(target.name)
        return found(path, target)

    monkeypatch.setattr(os, "fsync", syncing)
    monkeypatch.setattr(Path, "replace", replacing)
    save(solved, output_places(opened, out, header=True), Watch())
    assert [event for event in events if event != "folder"] == [
        "file", "file", "file", "model.onnx", "model_arena.h", "plan.json",
    ]  # fmt: skip
    plain = events.index("plan.json")
    assert events[plain - 1] == events[plain + 1] == "folder"


def test_the_plan_holds_the_sha256_of_all_files_beside_it(tmp_path: Path) -> None:
    source = external_diamond(tmp_path / "home", "data/weights.bin")
    for out in (tmp_path / "out", tmp_path / "home/sub/out"):
        made = hmcos.schedule(source, output=out, emit="c")
        read = hmcos.read_plan(out / "plan.json")
        assert read.outputs.sha256 == made.outputs.sha256
        assert list(read.outputs.sha256) == ["data/weights.bin", "model.onnx", "model_arena.h"]
        for name, digest in read.outputs.sha256.items():
            assert sha256((out / name).read_bytes()).hexdigest() == digest


def test_names_that_are_one_only_in_the_output_folder_are_told_apart_from_files_that_are_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file system that does not tell cases apart, in which a model has two data files."""
    found = Path.replace

    def folding(path: Path, target: Path) -> Path:
        return found(path, target.with_name(target.name.lower()))

    (tmp_path / "out").mkdir()
    (tmp_path / "out/w.bin").write_bytes(b"older")
    (tmp_path / "out/W.BIN").symlink_to("w.bin")
    monkeypatch.setattr(Path, "replace", folding)
    monkeypatch.setattr(Path, "lstat", Path.stat)
    with (
        pytest.raises(OutputError, match=r"W\.BIN: has the same name as w\.bin there"),
        staged(tmp_path / "out") as staging,
    ):
        staging.add(tmp_path / "out/w.bin", b"one")
        staging.add(tmp_path / "out/W.BIN", b"two")
    assert (tmp_path / "out/w.bin").read_bytes() == b"older"


def test_a_folder_where_a_file_has_to_go_is_refused_before_any_search(tmp_path: Path, opened: Opened) -> None:
    (tmp_path / "plan.json").mkdir()
    with pytest.raises(OutputError, match=r"plan\.json: is a folder"):
        output_places(opened, tmp_path)


def test_the_verifier_accepts_what_the_search_found(opened: Opened, solved: Solved) -> None:
    recheck(opened, solved.plan)


def test_the_verifier_refuses_a_claim_of_less(opened: Opened, solved: Solved) -> None:
    plan = solved.plan
    less = replace(plan, schedule=replace(plan.schedule, peak=plan.peak - 1))
    with pytest.raises(VerifyError):
        recheck(opened, less)


def test_the_verifier_refuses_an_order_that_cannot_run(opened: Opened, solved: Solved) -> None:
    with pytest.raises(VerifyError):
        recheck(opened, replace(solved.plan, order=solved.plan.order[::-1]))


def test_nothing_is_written_when_the_verifier_objects(
    tmp_path: Path, opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    def object_to(opened: Opened, plan: Plan) -> None:
        raise VerifyError("no")

    monkeypatch.setattr("hmcos.tasks.schedule.task.recheck", object_to)
    with pytest.raises(VerifyError):
        hmcos.schedule(opened.content, output=tmp_path / "out")
    assert list(tmp_path.iterdir()) == []
