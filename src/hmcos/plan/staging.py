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
def output_errors(path: Path) -> Generator[None]:
    """Turn what the system says against writing there into an OutputError that names the path."""
    try:
        yield
    except OSError as error:
        raise OutputError(f"{path}: cannot be written: {error.strerror}") from error
