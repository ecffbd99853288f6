"""Temporary folders; those of killed processes are removed when the next one is made.

A folder is a leftover only if no process owns it. Its owner holds a lock on it, which the system frees when
the process ends for any reason, and which also works across containers. Its name contains the number of the
process.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Generator
from contextlib import ExitStack, contextmanager, suppress
from importlib import import_module
from pathlib import Path
from typing import Any

from hmcos.errors import OutputError

PREFIX = "hmcos-"
SUFFIX = ".part"
PRIVATE = 0o700
"""The mode of folders that mkdtemp makes."""
# The exact form of mkdtemp's names: a user may have a folder such as hmcos-2024-results.
_NAME = re.compile(rf"\.?{PREFIX}(\d{{1,9}})-[a-z0-9_]{{8}}{re.escape(SUFFIX)}")


@contextmanager
def temporary_folder(parent: Path | None = None) -> Generator[Path]:
    """Make an empty folder that only this user may enter, and remove it at the end of the block.

    It is a hidden folder in a `parent` that belongs to the user, or lies among the system's temporary files.
    Leftovers of this user's processes there are removed first, except on Windows, which has no such locks.

    Raises:
        OutputError: the folder cannot be made.
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
    """Return a new folder and its lock; the lock is None if the system has none."""
    while True:
        prefix = f"{before}{PREFIX}{os.getpid()}-"
        folder = Path(tempfile.mkdtemp(prefix=prefix, suffix=SUFFIX, dir=parent))
        with ExitStack() as undo:
            undo.callback(shutil.rmtree, folder, ignore_errors=True)
            lock = _opened(folder)
            if lock is not None:
                undo.callback(os.close, lock)
            if lock is None or not _locks(lock, wait=True) or _is_there(folder, lock):
                undo.pop_all()
                return folder, lock


def _is_there(folder: Path, lock: int) -> bool:
    """Return whether a locked folder still exists.

    A process in another container may not see our process and remove the folder before it is locked.
    """
    with suppress(OSError):
        return os.path.samestat(os.fstat(lock), folder.lstat())
    return False


def remove_leftovers(parent: Path) -> None:
    """Remove the folders left by processes of this user that have ended."""
    with suppress(OSError), os.scandir(parent) as entries:
        for entry in entries:
            name = _NAME.fullmatch(entry.name)
            if name and not _runs(int(name[1])):
                _remove(Path(entry.path))


def _remove(folder: Path) -> None:
    """Remove a folder if it belongs to this user, is private, and is not locked."""
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
    """Return a descriptor of a folder; None if it is not a folder (but a link, say) or cannot be opened."""
    if _fcntl() is None:
        return None
    try:
        return os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError:
        return None


def _locks(descriptor: int, *, wait: bool) -> bool:
    """Try to lock a folder, and return whether this process now holds the lock."""
    system = _fcntl()
    try:
        system.flock(descriptor, system.LOCK_EX | (0 if wait else system.LOCK_NB))
    except OSError:
        return False
    return True


def _runs(process: int) -> bool:
    """Return whether a process of this number may be running; called only on systems with locks."""
    if _fcntl() is None:
        return True
    if process == os.getpid():
        return False  # in a container, the first process always has the same number; only the lock decides
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
