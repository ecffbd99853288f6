"""Built from a checkout that nothing is written into, the package holds all files of its folder."""

from __future__ import annotations

import shutil
import tarfile
from importlib import import_module
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest

import hmcos

ROOT = Path(__file__).parents[2]
BACKEND: Any = import_module("flit_core.buildapi")


def files(folder: Path) -> set[str]:
    found = (path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return {path.relative_to(folder).as_posix() for path in found}


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    made = tmp_path / "checkout"
    shutil.copytree(ROOT / "src", made / "src", ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
    for name in ("pyproject.toml", "README.md", "LICENSE", "Makefile"):
        shutil.copy(ROOT / name, made)
    monkeypatch.chdir(made)
    return made


def test_building_writes_nothing_into_the_checkout(checkout: Path, tmp_path: Path) -> None:
    before = files(checkout)
    for place in ("wheel", "editable", "source"):
        (tmp_path / place).mkdir()
    BACKEND.build_wheel(str(tmp_path / "wheel"))
    BACKEND.build_editable(str(tmp_path / "editable"))
    BACKEND.build_sdist(str(tmp_path / "source"))
    assert files(checkout) == before


def test_the_wheel_holds_all_files_of_the_package(checkout: Path, tmp_path: Path) -> None:
    wheel = tmp_path / BACKEND.build_wheel(str(tmp_path))
    with ZipFile(wheel) as packed:
        held = set(packed.namelist())
    metadata = f"hmcos-{hmcos.__version__}.dist-info/"
    assert {name for name in held if not name.startswith(metadata)} == files(checkout / "src")
    assert {f"{metadata}METADATA", f"{metadata}entry_points.txt", f"{metadata}licenses/LICENSE"} <= held
    assert {"hmcos/py.typed", "hmcos/memory/targets/tflm.toml", "hmcos/report/page/page.js"} <= held


def test_the_sdist_holds_what_builds_and_tests_the_package(checkout: Path, tmp_path: Path) -> None:
    for name in ("tests/unit", "docs", "tools/__pycache__"):
        (checkout / name).mkdir(parents=True)
    for name in ("tests/unit/test_it.py", "docs/page.md", "tools/dist.py", "tools/__pycache__/dist.pyc"):
        (checkout / name).touch()
    with tarfile.open(tmp_path / BACKEND.build_sdist(str(tmp_path))) as packed:
        top = f"hmcos-{hmcos.__version__}/"
        held = {name.removeprefix(top) for name in packed.getnames()}
    assert held == files(checkout) | {"PKG-INFO"}
