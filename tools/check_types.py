"""Check all types with pyright, for the installed Python; without torch, leave out what needs it.

python tools/check_types.py

Where torch is missing, pyright knows none of its types, so every line that uses them would be an error.
"""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from tempfile import NamedTemporaryFile
from tomllib import loads

ROOT = Path(__file__).resolve().parents[1]
HOMES = ("src", "tests")
"""Folders that modules are imported from."""


def needing_torch(root: Path, folders: list[str]) -> list[str]:
    """Return the files that import torch, or a file that does, relative to the root."""
    files = {path: set(imported(path)) for folder in folders for path in (root / folder).rglob("*.py")}
    names = {path: name_of(path, root) for path in files}
    found = {path for path, modules in files.items() if any(m.partition(".")[0] == "torch" for m in modules)}
    while True:
        known = {names[path] for path in found}
        more = {path for path, modules in files.items() if path not in found and modules & known}
        if not more:
            return sorted(path.relative_to(root).as_posix() for path in found)
        found |= more


def name_of(path: Path, root: Path) -> str:
    """Return the name that a file is imported by."""
    home = next((root / home for home in HOMES if path.is_relative_to(root / home)), path.parent)
    parts = path.relative_to(home).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imported(path: Path) -> Iterator[str]:
    """Yield the modules that a file imports anywhere, also for types alone."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module
            yield from (f"{node.module}.{name.name}" for name in node.names)


def main() -> int:
    """Run pyright, and return its exit code."""
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    command = [sys.executable, "-m", "pyright", "--pythonversion", version]
    if find_spec("torch") is not None:
        return subprocess.run(command, cwd=ROOT, check=False).returncode
    settings = loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["pyright"]
    left_out = needing_torch(ROOT, settings["include"])
    count = f"{len(left_out)} files that need it"
    print(f"torch is not installed (make torch): the types of {count} are not checked")
    # pyright takes paths relative to the folder of its settings.
    with NamedTemporaryFile("w", suffix=".json", prefix=".pyright-", dir=ROOT) as file:
        json.dump({**settings, "exclude": ["**/__pycache__", *left_out]}, file)
        file.flush()
        return subprocess.run([*command, "--project", file.name], cwd=ROOT, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
