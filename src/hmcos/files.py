"""Read input files safely: a path may be a device, such as a link to /dev/zero in an archive."""

from __future__ import annotations

import errno
from pathlib import Path


def read_ordinary(path: str | Path) -> bytes:
    """Return the content of an ordinary file.

    Raises:
        OSError: it cannot be read, or is a device, which may be endless, or a pipe, which may block forever.
    """
    file = Path(path)
    if file.exists() and not file.is_file() and not file.is_dir():
        reason = "it is a device or a pipe; name an ordinary file"
        raise OSError(errno.EINVAL, reason, str(file))
    try:
        return file.read_bytes()
    except ValueError as error:  # a character that paths cannot contain
        raise OSError(errno.EINVAL, str(error), str(file)) from error
