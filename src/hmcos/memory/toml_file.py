"""Read TOML files that nobody vouches for."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path

from hmcos.errors import HmcosError
from hmcos.files import read_ordinary

_PART = r"""(?:[A-Za-z0-9_-]++|"(?:[^"\\\n]|\\.)*+"|'[^'\n]*+')[ \t]*+"""
_DEEP = re.compile(rf"""(?<![\w"'\\-]){_PART}(?:\.[ \t]*+{_PART}){{99}}""")
"""A key of 100 parts or more, with quotes or without. Python's TOML reader takes quadratic time for it:
minutes for a file of 100 KB."""


def toml_in(path: Path, kind: str, error: type[HmcosError]) -> Mapping[str, object]:
    """Return the content of a TOML file.

    Args:
        path: the file.
        kind: what it is, for messages, such as "a target".
        error: what is raised if it is not; names the file.
    """
    try:
        text = read_ordinary(path).decode()
    except (OSError, ValueError) as failed:
        reason = failed.strerror if isinstance(failed, OSError) else "it is not UTF-8 text"
        raise error(f"{path}: cannot be read as {kind}: {reason}") from failed
    try:
        if _DEEP.search(text):
            raise RecursionError
        return tomllib.loads(text)
    except RecursionError:
        raise error(f"{path}: nested too deeply for {kind}") from None
    except ValueError as failed:
        raise error(f"{path}: not TOML: {failed}") from failed
