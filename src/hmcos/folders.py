"""Temporary folders that are gone at the latest when another one is made.

A process that is killed cannot remove its folder, so the next one does. It has to be sure that the folder is
left over: its owner holds a lock on it (the system frees it when a process ends, however it ends, and it
tells also of processes in other containers), and its name tells the number of the process.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Generator
from contextlib import contextmanager, suppress
from importlib import import_module
from pathlib import Path
from typing import Any

from hmcos.errors import OutputError

PREFIX = "hmcos-"
SUFFIX = ".part"
PRIVATE = 0o700
"""The mode with which mkdtemp makes folders."""
# All of what mkdtemp makes: users call their own folders hmcos-2024-results.
_NAME = re.compile(rf"\.?{PREFIX}(\d{{1,9}})-[a-z0-9_]{{8}}{re.escape(SUFFIX)}")


@contextmanager
def temporary_folder(parent: Path | None = None) -> Generator[Path]:
    """Return an empty folder that only this user may enter, for as long as the block takes.

    It is hidden in a `parent` that belongs to the user, or where the system has its temporary files. Before,
    what processes of this user left behind there is removed. On Windows, which has no such locks, such
    folders stay.

    Raises:
        OutputError: there is no place for it.
    """
    try:
        place = parent or Path(tempfile.gettempdir())
        remove_leftovers(place)
        folder, lock = _made(place, "" if parent is None else ".")
    except OSError as error:
        where = parent or error.filename or "no temporary folder"
        way_out = "; set TMPDIR to a folder" if parent is None else ""
        raise OutputError(f"{where}: cannot be written: {error.strerror}{way_out}") from error
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        if lock is not None:
            os.close(lock)


def _made(parent: Path, before: str) -> tuple[Path, int | None]:
    """Return a new folder and its lock, None where the system has none."""
    while True:
        prefix = f"{before}{PREFIX}{os.getpid()}-"
        folder = Path(tempfile.mkdtemp(prefix=prefix, suffix=SUFFIX, dir=parent))
        lock = _opened(folder)
        if lock is None or not _locks(lock, wait=True):
            return folder, lock
        # In another container our number may be that of a dead process: then it can be removed before
        # it is locked.
        with suppress(OSError):
            if os.path.samestat(os.fstat(lock), folder.lstat()):
                return folder, lock
        os.close(lock)


def remove_leftovers(parent: Path) -> None:
    """Remove the folders that dead processes of this user left behind."""
    with suppress(OSError), os.scandir(parent) as found:
        for entry in found:
            name = _NAME.fullmatch(entry.name)
            if name and not _runs(int(name[1])):
                _remove(Path(entry.path))


def _remove(folder: Path) -> None:
    """Remove a folder if it is one, is ours and private, and nobody holds its lock."""
    lock = _opened(folder)
    if lock is None:
        return
    try:
        there = os.fstat(lock)
        ours = there.st_uid == os.getuid() and there.st_mode & 0o777 == PRIVATE
        if ours and _locks(lock, wait=False):
            shutil.rmtree(folder, ignore_errors=True)
    finally:
        os.close(lock)


def _opened(folder: Path) -> int | None:
    """Return a descriptor of a folder, None if it is something else, such as a link, or cannot be opened."""
    if _fcntl() is None:
        return None
    try:
        return os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError:
        return None


def _locks(descriptor: int, *, wait: bool) -> bool:
    """Return whether a folder is locked by this process now."""
    system = _fcntl()
    try:
        system.flock(descriptor, system.LOCK_EX | (0 if wait else system.LOCK_NB))
    except OSError:
        return False
    return True


def _runs(process: int) -> bool:
    """Return whether a process of this number may be running; only asked where there are locks."""
    if _fcntl() is None:
        return True
    if process == os.getpid():
        return False  # in a container, the first process has the same number every time; the lock decides
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True
    return True


def _fcntl() -> Any:
    """Return the module that locks files; None on Windows, where there is none."""
    try:
        return import_module("fcntl")
    except ImportError:
        return None
