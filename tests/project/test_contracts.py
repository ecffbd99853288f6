"""Modules that are named in strings obey the contracts too: import-linter sees only import statements."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import hmcos
from networks import FORK

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "src" / "hmcos"
EDGES = {
    "onnx": {"frontends", "zoo", "verify", "runtimes"},
    "onnxruntime": {"verify", "runtimes"},
    "flatbuffers": {"frontends"},
    "ai_edge_litert": {"frontends", "runtimes"},
    "tflite_micro": {"runtimes"},
    "ortools": {"allocation"},
    "matplotlib": {"report"},
    "plotly": {"report"},
    "torch": {"frontends", "runtimes", "torch"},
    "pandas": {"tasks"},
}
"""Library to the rooms that may import it."""


def layers() -> dict[str, int]:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    lines: list[str] = contracts[0]["layers"]
    return {room: depth for depth, line in enumerate(lines) for room in line.split(" | ")}


def named(script: Path) -> Iterator[str]:
    """Yield the modules that a script names in strings: in tables, and in calls that import."""
    for node in ast.walk(ast.parse(script.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield from re.findall(r"^(hmcos(?:\.\w+)+):\w+$", node.value)
        if isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
            called = getattr(node.func, "attr", getattr(node.func, "id", ""))
            if called in ("import_module", "__import__", "find_spec"):
                yield str(node.args[0].value)


def test_modules_in_strings_obey_the_layers() -> None:
    depth = layers()
    wrong: list[str] = []
    seen = 0
    for script in PACKAGE.rglob("*.py"):
        room = script.relative_to(PACKAGE).parts[0].removesuffix(".py")
        if room == "__init__":
            continue
        for module in named(script):
            library, _, rest = module.partition(".")
            seen += 1
            if library == "hmcos":
                other = rest.partition(".")[0]
                allowed = other == room or depth[room] < depth[other]
            else:
                allowed = room in EDGES.get(library, {room})
            if not allowed:
                wrong.append(f"{script.relative_to(ROOT)}: {module}")
    assert wrong == []
    assert seen > 50


def test_help_loads_no_library_that_only_commands_need() -> None:
    heavy = "{'numpy', 'onnx', 'onnxruntime', 'ortools', 'rich', 'matplotlib', 'plotly', 'logging', 'torch'}"
    program = (
        "import sys; from hmcos.__main__ import run; run(['--help'])\n"
        f"sys.exit(', '.join({heavy} & set(sys.modules)) or 0)"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert ended.stderr == ""


def test_scheduling_a_problem_loads_no_library_of_models(tmp_path: Path) -> None:
    hmcos.export_instance(FORK, tmp_path / "fork.json")
    heavy = "{'onnx', 'onnxruntime', 'ortools', 'matplotlib', 'plotly', 'logging', 'torch'}"
    program = (
        f"import sys; from hmcos.__main__ import run; run(['schedule', {str(tmp_path / 'fork.json')!r}])\n"
        f"sys.exit(', '.join({heavy} & set(sys.modules)) or 0)"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert ended.stderr == ""
