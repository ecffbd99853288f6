"""Which files are left out of the check of types where torch is missing."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).parents[2]


def tool() -> ModuleType:
    spec = importlib.util.spec_from_file_location("check_types", ROOT / "tools/check_types.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_files_that_need_torch_through_others_are_left_out(tmp_path: Path) -> None:
    for name, text in (
        ("src/pack/__init__.py", ""),
        ("src/pack/own.py", "import torch.nn as nn"),
        ("src/pack/user.py", "if True:\n    from pack.own import thing"),
        ("src/pack/second.py", "from pack import user"),
        ("src/pack/named.py", "from pack.torch import x"),
        ("src/pack/torch.py", "import os"),
    ):
        place = tmp_path / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
    found = tool().needing_torch(tmp_path, ["src"])
    assert found == ["src/pack/own.py", "src/pack/second.py", "src/pack/user.py"]


def test_only_the_rooms_of_torch_are_left_out() -> None:
    found: list[str] = tool().needing_torch(ROOT, ["src", "tests"])
    assert found
    assert [name for name in found if "torch" not in name] == []
