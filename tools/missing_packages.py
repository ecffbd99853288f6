"""Check that an environment has every package that pyproject.toml names.

python tools/missing_packages.py [EXTRA]

For an environment that make did not create: make uses it, but installs nothing there.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from tomllib import loads

ROOT = Path(__file__).resolve().parents[1]


def required(project: dict[str, dict[str, list[str]]], extras: Sequence[str]) -> Iterator[str]:
    """Yield the names of the packages that users need, and those of the extras.

    Packages for some systems only are left out: the tests do without them.
    """
    waiting = [*project["dependencies"]]
    for extra in extras:
        waiting += project["optional-dependencies"][extra]
    for requirement in waiting:
        found = re.match(r"([\w.-]+)(?:\[(\w+)\])?", requirement)
        assert found is not None, f"{requirement!r} begins with the name of a package"
        if found[1] == "hmcos":
            yield from required(project, [found[2]])
        elif ";" not in requirement:
            yield found[1]


def is_installed(package: str) -> bool:
    """Return whether this environment has a package, of any version."""
    try:
        version(package)
    except PackageNotFoundError:
        return False
    return True


def main(extras: Sequence[str]) -> None:
    """Check this environment; ends the program with a message that names what is missing."""
    project = loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    missing = [name for name in dict.fromkeys(required(project, extras)) if not is_installed(name)]
    if missing:
        sys.exit(
            f"make: {sys.prefix} lacks {', '.join(missing)}, and make did not create it: install them there, "
            "or remove .venv, so that make creates one"
        )


if __name__ == "__main__":
    main(sys.argv[1:])
