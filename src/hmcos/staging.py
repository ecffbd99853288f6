"""Write one or several files completely or not at all, even if the process is killed."""

from __future__ import annotations

import errno
import os
from collections.abc import Generator, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Protocol

from hmcos.errors import OutputError
from hmcos.folders import temporary_folder

CHUNK = 1 << 20
"""Bytes to read at once: data files may be larger than memory."""
_ZEROS = bytes(CHUNK)


class Digest(Protocol):
    """What hashlib returns."""

    def update(self, data: bytes, /) -> None:
        """Add bytes."""


@dataclass(slots=True)
class Staging:
    """Files written to a hidden folder first, each with its final place."""

    folder: Path
    lasting: bool
    moves: list[tuple[Path, Path]] = field(default_factory=list[tuple[Path, Path]])
    made: list[Path] = field(default_factory=list[Path])
    """Folders made for the places, outer ones first."""

    def add(self, path: Path, content: bytes) -> str:
        """Write a content that will take its place at a path later, and return its sha256.

        Raises:
            OutputError: the content cannot be written.
        """
        return self._hold(path, (content,))

    def copy(self, source: Path, path: Path) -> str:
        """Copy a file that will take its place at a path later, and return its sha256.

        Not a hard link: onnx refuses data files with several hard links, and the source would be one of them.
        Holes stay holes, so that a file of weights that were never written takes no room.

        Raises:
            OutputError: the file cannot be read, or its copy cannot be written.
        """
        return self._hold(path, parts(source))

    def _hold(self, path: Path, content: Iterable[bytes | Hole]) -> str:
        digest = sha256()
        temporary = self.folder / str(len(self.moves))
        self.make(path.parent)
        with output_errors(path), temporary.open("xb") as file:
            for part in content:
                if isinstance(part, Hole):
                    part.add_to(digest)
                    file.seek(part.size, os.SEEK_CUR)
                else:
                    digest.update(part)
                    file.write(part)
            file.truncate()  # a hole at the end is not written
        self.moves.append((temporary, path))
        return digest.hexdigest()

    def make(self, folder: Path) -> None:
        """Make a folder for a place."""
        with output_errors(folder):
            for missing in reversed([one for one in (folder, *folder.parents) if not one.exists()]):
                missing.mkdir(exist_ok=True)
                self.made.append(missing)

    def settle(self) -> None:
        """Move all files to their places, in the order in which they were added, or none.

        All others are on the disk when the last one is moved, so the last one may refer to them.

        Raises:
            OutputError: a file cannot be moved; then all places are restored.
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
        """Flush all written files to the disk; together is faster than one by one.

        Raises:
            OutputError: it fails; some systems notice only now that the disk is full.
        """
        for temporary, path in self.moves if self.lasting else ():
            with output_errors(path), temporary.open("r+b") as file:
                os.fsync(file.fileno())

    def _sync_names(self) -> None:
        """Flush the folders of the moved files to the disk, if the system supports it."""
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
    """Check that a place is not taken by another file of the same results, under a name that differs in case.

    Raises:
        OutputError: the file system treats two of the names as equal.
    """
    other = taken.get(_number(path)) if os.path.lexists(path) else None
    if other is not None:
        raise OutputError(f"{path}: has the same name as {other.name} there; choose another folder")


def _number(path: Path) -> tuple[int, int]:
    there = path.lstat()
    return there.st_dev, there.st_ino


def _older(temporary: Path) -> Path:
    """Return the path where the replaced file is kept until all files are in place."""
    return temporary.with_name(f"{temporary.name}.old")


def _keep(path: Path, old: Path) -> None:
    """Keep a file that is about to be replaced, if there is one."""
    if not os.path.lexists(path) or path.is_dir():
        return
    try:
        os.link(path, old, follow_symlinks=False)
    except (OSError, NotImplementedError):  # without hard links, the place is empty for a moment
        path.replace(old)


def _undo(temporary: Path, path: Path) -> None:
    """Restore what was at a place before; the file may or may not have been moved there yet."""
    with suppress(OSError):
        if os.path.lexists(_older(temporary)):
            _older(temporary).replace(path)
        elif not os.path.lexists(temporary):
            path.unlink()


@contextmanager
def staged(folder: Path, *, lasting: bool = True) -> Generator[Staging]:
    """Yield a staging area beside a folder; its files take their places if the block succeeds, else none.

    Leftovers of killed processes are removed first. With `lasting`, the files survive a crash of the system.

    Raises:
        OutputError: a file cannot be written; then none is.
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
    """Write a file, completely or not at all.

    Raises:
        OutputError: the file cannot be written, or its folder is missing.
    """
    with output_errors(path):
        path.parent.stat()
    with staged(path.parent) as staging:
        staging.add(path, content)


@dataclass(frozen=True, slots=True)
class Hole:
    """Bytes of a file that are zero and take no room on the disk."""

    size: int

    def add_to(self, digest: Digest) -> None:
        """Add the zeros to a digest."""
        whole, rest = divmod(self.size, CHUNK)
        for _ in range(whole):
            digest.update(_ZEROS)
        digest.update(_ZEROS[:rest])


def parts(path: Path) -> Iterator[bytes | Hole]:
    """Yield the content of a file in parts, and its holes where the system tells them.

    Raises:
        OutputError: it cannot be read.
    """
    with output_errors(path, "cannot be read"), path.open("rb", buffering=0) as file:
        end = os.fstat(file.fileno()).st_size
        place = 0
        while place < end:
            begin = _next_data(file.fileno(), place, end)
            if begin > place:
                yield Hole(begin - place)
            place = begin
            stop = _next_hole(file.fileno(), place, end)
            file.seek(place)
            while place < stop:
                part = file.read(min(CHUNK, stop - place))
                if not part:  # the file was cut meanwhile
                    return
                yield part
                place += len(part)
        file.seek(place)
        while part := file.read(CHUNK):  # what was added meanwhile, or a device, which has no size
            yield part


def _next_data(file: int, place: int, end: int) -> int:
    """Return where the next bytes that are no hole begin, from a place in an open file on; else its end."""
    try:
        return min(os.lseek(file, place, os.SEEK_DATA), end)
    except AttributeError:  # the system has no such call
        return place
    except OSError as error:
        return end if error.errno == errno.ENXIO else place


def _next_hole(file: int, place: int, end: int) -> int:
    """Return where the next hole begins, from a place in an open file on; else its end."""
    try:
        return min(os.lseek(file, place, os.SEEK_HOLE), end)
    except (AttributeError, OSError):
        return end


def digest_of_file(path: Path) -> str:
    """Return the sha256 of a file.

    Raises:
        OutputError: it cannot be read.
    """
    digest = sha256()
    for part in parts(path):
        if isinstance(part, Hole):
            part.add_to(digest)
        else:
            digest.update(part)
    return digest.hexdigest()


@contextmanager
def output_errors(path: Path, fault: str = "cannot be written") -> Generator[None]:
    """Turn the system's errors for a path into an OutputError that names the path."""
    try:
        yield
    except OSError as error:
        raise OutputError(f"{path}: {fault}: {error.strerror or error}") from error
    except ValueError as error:  # a character that paths cannot contain
        raise OutputError(f"{path}: {fault}: {error}") from error


def check_reachable(path: Path, way_out: str, *, folder: bool = False) -> None:
    """Check that a file (or a `folder`) exists at a path or can be made there; write nothing.

    Raises:
        OutputError: a parent is a file or may not be written to, or a name is too long.
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
        # Try the names in an existing folder: the system does not check names in a missing one.
        missing = place.relative_to(standing).parts
        for looked_up in (place, *(standing / name for name in missing)):
            with suppress(FileNotFoundError):
                looked_up.lstat()


def same_file(place: Path, file: Path) -> bool:
    """Return whether two paths lead to the same file, links resolved; the file may be missing."""
    return not identities(place).isdisjoint(identities(file))


def identities(*files: Path) -> frozenset[object]:
    """Return values that identify files: two paths to the same file have at least one value in common.

    For each file these are its path with links resolved and, if it exists, its device and inode number.
    Passing many files at once avoids repeated sets.
    """
    values: set[object] = set()
    for file in files:
        with suppress(OSError, ValueError):
            there = file.stat()
            values.add((there.st_dev, there.st_ino))
        with suppress(ValueError):  # a plan may contain impossible file names
            values.add(os.path.realpath(file))
    return frozenset(values)
