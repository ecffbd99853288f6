"""Temporary folders: gone with the block, or when the next one is made, and never those of others."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from hmcos.errors import OutputError
from hmcos.folders import temporary_folder

fcntl = pytest.importorskip("fcntl", reason="this system has no locks for folders")


@pytest.fixture
def parent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where temporary folders are made."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


@pytest.fixture(scope="module")
def dead() -> int:
    """The number of a process that ended."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def left_over(parent: Path, process: int) -> Path:
    folder = parent / f"hmcos-{process}-abc12_78.part"
    folder.mkdir(mode=0o700)
    (folder / "inner").mkdir()
    (folder / "inner" / "model.onnx").write_bytes(b"x")
    return folder


def made(parent: Path) -> list[str]:
    return sorted(path.name for path in parent.iterdir())


def test_a_folder_is_private_and_goes_with_its_block(parent: Path) -> None:
    with temporary_folder() as folder:
        assert folder.parent == parent and folder.name.startswith(f"hmcos-{os.getpid()}-")
        assert folder.stat().st_mode & 0o777 == 0o700
        (folder / "file").write_bytes(b"x")
    assert made(parent) == []
    with pytest.raises(ZeroDivisionError), temporary_folder():
        raise ZeroDivisionError
    assert made(parent) == []


def test_what_a_killed_process_left_is_removed_by_the_next(parent: Path) -> None:
    text = f"""
import os, sys, tempfile
sys.path[:] = {sys.path!r}
tempfile.tempdir = {str(parent)!r}
from hmcos.folders import temporary_folder
with temporary_folder() as folder:
    (folder / "file").write_bytes(b"x")
    os.kill(os.getpid(), 9)
"""
    subprocess.run([sys.executable, "-c", text], check=False)
    (left,) = made(parent)
    with temporary_folder() as folder:
        assert made(parent) == [folder.name] != [left]


def test_folders_of_living_processes_stay(parent: Path, dead: int) -> None:
    other = left_over(parent, os.getppid())
    with temporary_folder() as one, temporary_folder() as two:
        assert made(parent) == sorted([other.name, one.name, two.name])
    # A process of another container may have a number that nobody has here, but its lock is seen.
    locked = left_over(parent, dead)
    holder = os.open(locked, os.O_RDONLY)
    fcntl.flock(holder, fcntl.LOCK_EX)
    with temporary_folder():
        assert (locked / "inner" / "model.onnx").is_file()
    os.close(holder)
    with temporary_folder():
        assert not locked.exists()


def test_what_only_looks_like_one_stays(parent: Path, dead: int) -> None:
    precious = parent / "precious"
    (precious / "inner").mkdir(parents=True)
    (parent / f"hmcos-{dead}-abc_link.part").symlink_to(precious)
    (parent / f"hmcos-{dead}-abc_file.part").write_bytes(b"x")
    (parent / f"hmcos-{dead}").mkdir()
    (parent / "hmcos-model").mkdir()
    (parent / f"hmcos-{dead}-a.b").mkdir()
    # All these are names and modes that users give their own folders.
    for name in ("results", "baseline", "baseline.parts", "baselines.part", "Baseline.part"):
        (parent / f"hmcos-{dead}-{name}").mkdir(mode=0o700)
    (parent / f"hmcos-{dead}-baseline.part").mkdir(mode=0o755)
    inside = left_over(parent, dead)
    (inside / "link").symlink_to(precious)
    before = made(parent)
    with temporary_folder():
        pass
    assert made(parent) == [name for name in before if name != inside.name]
    assert (precious / "inner").is_dir()


def test_folders_of_other_users_stay(parent: Path, dead: int, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = left_over(parent, dead)
    own = os.getuid()
    monkeypatch.setattr(os, "getuid", lambda: own + 1)
    with temporary_folder():
        assert folder.is_dir()


def test_without_locks_nothing_is_removed(parent: Path, dead: int, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = left_over(parent, dead)
    monkeypatch.setitem(sys.modules, "fcntl", None)
    with temporary_folder() as mine:
        assert folder.is_dir() and mine.is_dir()
    assert made(parent) == [folder.name]


def test_no_place_for_a_folder_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "missing"))
    with pytest.raises(OutputError, match=r"missing.*set TMPDIR"), temporary_folder():
        pass


def test_a_folder_within_one_of_the_user_is_hidden(tmp_path: Path, dead: int) -> None:
    left = tmp_path / f".hmcos-{dead}-abc12_78.part"
    left.mkdir(mode=0o700)
    (left / "0").write_bytes(b"half of a model")
    (tmp_path / f".hmcos-{dead}-abc").mkdir()
    (tmp_path / "mine.part").mkdir()
    with temporary_folder(tmp_path) as folder:
        assert folder.name.startswith(f".hmcos-{os.getpid()}-") and folder.name.endswith(".part")
        assert made(tmp_path) == sorted([folder.name, f".hmcos-{dead}-abc", "mine.part"])
    assert made(tmp_path) == [f".hmcos-{dead}-abc", "mine.part"]


def test_a_leftover_with_our_own_number_is_one(tmp_path: Path) -> None:
    """The first process of a container has the same number in every container."""
    left = tmp_path / f".hmcos-{os.getpid()}-abc12_78.part"
    left.mkdir(mode=0o700)
    with temporary_folder(tmp_path) as one, temporary_folder(tmp_path) as two:
        assert made(tmp_path) == sorted([one.name, two.name])


def test_no_place_within_a_folder_is_told(tmp_path: Path) -> None:
    told = r"missing: cannot be written: No such file or directory$"
    with pytest.raises(OutputError, match=told), temporary_folder(tmp_path / "missing"):
        pass
