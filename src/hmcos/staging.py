"""Files that appear whole or not at all, also several together, and also when the process is killed."""

from __future__ import annotations

import os
from collections.abc import Generator, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from hmcos.errors import OutputError
from hmcos.folders import temporary_folder

CHUNK = 1 << 20
"""Bytes that are read at once: data files may be larger than memory."""


@dataclass(slots=True)
class Staging:
    """Files that are written to a hidden folder first, each with the place that it will take."""

    folder: Path
    lasting: bool
    moves: list[tuple[Path, Path]] = field(default_factory=list[tuple[Path, Path]])
    made: list[Path] = field(default_factory=list[Path])
    """Folders that were made for the places, outer ones first."""

    def add(self, path: Path, content: bytes) -> str:
        """Return the sha256 of a content after it was written, to take its place at a path later.

        Raises:
            OutputError: it cannot be written.
        """
        return self._hold(path, (content,))

    def copy(self, source: Path, path: Path) -> str:
        """Return the sha256 of a file after it was copied, to take its place at a path later.

        A copy, not a hard link: onnx refuses data files that have more than one, also the source's.

        Raises:
            OutputError: the file cannot be read, or the copy not be written.
        """
        return self._hold(path, chunks(source))

    def _hold(self, path: Path, content: Iterable[bytes]) -> str:
        digest = sha256()
        temporary = self.folder / str(len(self.moves))
        self.make(path.parent)
        with output_errors(path), temporary.open("xb") as file:
            for part in content:
                digest.update(part)
                file.write(part)
        self.moves.append((temporary, path))
        return digest.hexdigest()

    def make(self, folder: Path) -> None:
        """Make a folder for a place."""
        with output_errors(folder):
            for missing in reversed([one for one in (folder, *folder.parents) if not one.exists()]):
                missing.mkdir(exist_ok=True)
                self.made.append(missing)

    def settle(self) -> None:
        """Let all files take their places in the order in which they came, or none.

        When the last one takes its place, all others stand on the disk: it may tell of them.

        Raises:
            OutputError: one cannot take its place; then those before it are what they were.
        """
        begun: list[tuple[Path, Path]] = []
        taken: dict[tuple[int, int], Path] = {}
        self._sync_content()
        try:
            for temporary, path in self.moves:
                if begun and temporary == self.moves[-1][0]:
                    self._sync_names()
                with output_errors(path):
                    _check_not_taken(path, taken)
                    begun.append((temporary, path))
                    _keep(path, _older(temporary))
                    temporary.replace(path)
                    taken[_number(path)] = path
        except BaseException:
            for temporary, path in reversed(begun):
                _undo(temporary, path)
            raise
        self._sync_names()

    def _sync_content(self) -> None:
        """Have the system put all that was written onto the disk; all of it together is faster than each.

        Raises:
            OutputError: it cannot: some systems notice only now that the disk is full.
        """
        for temporary, path in self.moves if self.lasting else ():
            with output_errors(path), temporary.open("r+b") as file:
                os.fsync(file.fileno())

    def _sync_names(self) -> None:
        """Have the system put the names of all that stands in its place onto the disk, where it can."""
        if not self.lasting:
            return
        for folder in {*(path.parent for _, path in self.moves), *(one.parent for one in self.made)}:
            with suppress(OSError):
                opened = os.open(folder, os.O_RDONLY)
                try:
                    os.fsync(opened)
                finally:
                    os.close(opened)


def _check_not_taken(path: Path, taken: Mapping[tuple[int, int], Path]) -> None:
    """Refuse to replace what just took its place under a name that is another only elsewhere.

    Raises:
        OutputError: the file system does not tell two names apart.
    """
    other = taken.get(_number(path)) if os.path.lexists(path) else None
    if other is not None:
        raise OutputError(f"{path}: has the same name as {other.name} there; choose another folder")


def _number(path: Path) -> tuple[int, int]:
    there = path.lstat()
    return there.st_dev, there.st_ino


def _older(temporary: Path) -> Path:
    """Return where the file is kept that the one from here replaces."""
    return temporary.with_name(f"{temporary.name}.old")


def _keep(path: Path, old: Path) -> None:
    """Keep a file that is about to be replaced, if there is one."""
    if not os.path.lexists(path) or path.is_dir():
        return
    try:
        os.link(path, old, follow_symlinks=False)
    except (OSError, NotImplementedError):  # no hard links there: then nothing stands there for a moment
        path.replace(old)


def _undo(temporary: Path, path: Path) -> None:
    """Give a place back what stood there before a file took it, however far that had come."""
    with suppress(OSError):
        if os.path.lexists(_older(temporary)):
            _older(temporary).replace(path)
        elif not os.path.lexists(temporary):
            path.unlink()


@contextmanager
def staged(folder: Path, *, lasting: bool = True) -> Generator[Staging]:
    """Return what keeps files beside a folder; all take their places when the block ends well, else none.

    What a killed process kept there is removed before. What is `lasting` survives a crash of the system.

    Raises:
        OutputError: something cannot be written; then nothing is.
    """
    made: list[Path] = []
    try:
        Staging(folder, lasting, made=made).make(folder)
        with temporary_folder(folder) as hidden:
            staging = Staging(hidden, lasting, made=made)
            yield staging
            staging.settle()
    except BaseException:
        for one in reversed(made):
            with suppress(OSError):
                one.rmdir()
        raise


def write(path: Path, content: bytes) -> None:
    """Write a file: all of it or nothing.

    Raises:
        OutputError: the file cannot be written, or its folder is not there.
    """
    with output_errors(path):
        path.parent.stat()
    with staged(path.parent) as staging:
        staging.add(path, content)


def chunks(path: Path) -> Iterator[bytes]:
    """Return the content of a file, some of it at a time.

    Raises:
        OutputError: it cannot be read.
    """
    with output_errors(path, "cannot be read"), path.open("rb") as file:
        while part := file.read(CHUNK):
            yield part


@contextmanager
def output_errors(path: Path, fault: str = "cannot be written") -> Generator[None]:
    """Turn what the system says against a path into an OutputError that names the path."""
    try:
        yield
    except OSError as error:
        raise OutputError(f"{path}: {fault}: {error.strerror or error}") from error
    except ValueError as error:  # a character that no path can hold
        raise OutputError(f"{path}: {fault}: {error}") from error


def check_reachable(path: Path, way_out: str, *, folder: bool = False) -> None:
    """Do nothing if a file, or a `folder`, can be made at a path or is there; writes nothing.

    Raises:
        OutputError: what leads there is a file or may not be written to, or a name is too long.
    """
    place = path.absolute()
    with output_errors(path):
        leading = (place, *place.parents) if folder else place.parents
        standing = next((one for one in leading if os.path.lexists(one)), place)
        if not standing.is_dir():
            which = "is" if standing == place else f"{standing} is"
            raise OutputError(f"{path}: {which} a file; {way_out}")
        if not os.access(standing, os.W_OK | os.X_OK):
            raise OutputError(f"{path}: no permission to write in {standing}; {way_out}")
        # Looked up in a folder that is there: elsewhere the system does not look at the names.
        missing = place.relative_to(standing).parts
        for looked_up in (place, *(standing / name for name in missing)):
            with suppress(FileNotFoundError):
                looked_up.lstat()


def same_file(place: Path, file: Path) -> bool:
    """Return whether both are one file after all links are resolved, whether it exists or not."""
    return not identities(place).isdisjoint(identities(file))


def identities(*files: Path) -> frozenset[object]:
    """Return all by which files are known again under other paths: two paths of one file share some of it.

    For each file these are its path, links resolved, and its number if it exists. A set of many is made once.
    """
    found: set[object] = set()
    for file in files:
        with suppress(OSError, ValueError):
            there = file.stat()
            found.add((there.st_dev, there.st_ino))
        with suppress(ValueError):  # a plan may name files that no system can have
            found.add(os.path.realpath(file))
    return frozenset(found)
