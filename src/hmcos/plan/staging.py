"""Files that appear whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path

from hmcos.errors import OutputError


@contextmanager
def staged(path: Path, content: bytes) -> Generator[None]:
    """Keep the content beside its place; it takes the place when the block ends well, or vanishes.

    Raises:
        OutputError: the file cannot be written.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with output_errors(path):
            temporary.write_bytes(content)
        yield
        with output_errors(path):
            temporary.replace(path)
    finally:
        with suppress(OSError):
            temporary.unlink()


def write(path: Path, content: bytes) -> None:
    """Write a file: all of it or nothing.

    Raises:
        OutputError: the file cannot be written.
    """
    with staged(path, content):
        pass


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
