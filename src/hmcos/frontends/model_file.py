"""Files of models: ordinary ones, with one line for everything else."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from hmcos.errors import ModelError
from hmcos.files import read_ordinary


def read_model_file(path: Path, largest: int, too_large: str) -> bytes:
    """Return the content of a model file; `too_large` is said of one of more than `largest` bytes.

    Raises:
        ModelError: there is no such file, or it cannot be read.
    """
    with _errors():
        _check_no_folder(path)
        if path.stat().st_size > largest:
            raise ModelError(too_large)
        return read_ordinary(path)


def check_model_file(path: Path) -> Path:
    """Return a path after checking that its file can be read, for a reader that opens it by itself.

    Raises:
        ModelError: there is no such file, or it cannot be read.
    """
    with _errors():
        _check_no_folder(path)
        if not path.exists():
            raise ModelError("does not exist")
        if not path.is_file():
            raise ModelError("is a device or a pipe; name an ordinary file")
        with path.open("rb"):
            return path


def _check_no_folder(path: Path) -> None:
    if path.is_dir():
        raise ModelError("is a directory; name the model file in it")


@contextmanager
def _errors() -> Generator[None]:
    """Turn the system's errors for a model file into ModelErrors."""
    try:
        yield
    except FileNotFoundError as error:
        raise ModelError("does not exist") from error
    except (OSError, ValueError) as error:
        raise ModelError(f"cannot be read: {getattr(error, 'strerror', None) or error}") from error
