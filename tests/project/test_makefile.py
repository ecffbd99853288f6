"""Setting up by make: what it says when it cannot, and that it repairs what was interrupted.

Programs of the same names stand in for Python and uv; they note how they are called.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PYTHON = """#!/bin/sh
echo "python $*" >> "{log}"
case "$*" in
"-m venv .venv") mkdir -p .venv/bin && cp "$0" .venv/bin/python && cp "$0" .venv/bin/hmcos ;;
esac
"""
UV = """#!/bin/sh
echo "uv $*" >> "{log}"
case "$*" in
venv*) mkdir -p .venv/bin && cp "{python}" .venv/bin/python && cp "{python}" .venv/bin/hmcos ;;
esac
"""

pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="needs make")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    made = tmp_path / "a checkout"
    made.mkdir()
    for name in ("Makefile", "pyproject.toml"):
        shutil.copy(ROOT / name, made)
    return made


def program(folder: Path, name: str, text: str) -> Path:
    path = folder.parent / "programs" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(text.format(log=folder.parent / "log", python=path.with_name("python")))
    path.chmod(0o755)
    return path


def make(checkout: Path, *words: str, python: str | Path = "python") -> tuple[int, str, list[str]]:
    """Return the exit code, what was said, and the calls of the programs."""
    (checkout.parent / "log").unlink(missing_ok=True)
    environment = {
        key: value for key, value in os.environ.items() if not key.startswith(("MAKE", "PYTHONPATH"))
    }
    places = [str(checkout.parent / "programs"), os.environ["PATH"]]
    environment |= {"PATH": os.pathsep.join(places)}
    command = [shutil.which("make") or "make", "-C", str(checkout), *words, f"PYTHON={python}"]
    if not (checkout.parent / "programs" / "uv").exists():
        command.append("UV=")
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    log = checkout.parent / "log"
    calls = log.read_text().splitlines() if log.exists() else []
    return ended.returncode, ended.stdout + ended.stderr, calls


def test_it_is_set_up_once(checkout: Path) -> None:
    program(checkout, "python", PYTHON)
    code, said, calls = make(checkout, "demo")
    assert code == 0, said
    assert "python -m pip install --disable-pip-version-check --editable ." in calls
    assert not any("--quiet" in call for call in calls)
    code, _, calls = make(checkout, "demo")
    assert code == 0 and not any("pip" in call for call in calls)
    code, _, calls = make(checkout, "test")
    assert calls[-2:] == [
        "python -m pip install --disable-pip-version-check --editable .[dev]",
        "python -m pytest -n auto --maxprocesses 8 --dist worksteal",
    ]


def test_uv_is_used_where_it_is_installed(checkout: Path) -> None:
    program(checkout, "python", PYTHON)
    program(checkout, "uv", UV)
    code, said, calls = make(checkout, "demo")
    assert code == 0, said
    assert "uv venv --quiet --seed --allow-existing --python python .venv" in calls
    assert "uv pip install --python .venv/bin/python --editable ." in calls


def test_an_interrupted_set_up_starts_over(checkout: Path) -> None:
    program(checkout, "python", PYTHON)
    uv = program(checkout, "uv", UV.replace("esac", "pip*) kill -9 $PPID ;;\nesac"))
    assert make(checkout, "demo")[0] != 0
    half = checkout / ".venv" / "half a package"
    half.touch()
    uv.unlink()
    code, said, calls = make(checkout, "demo")
    assert code == 0 and "Starting over" in said
    assert not half.exists()
    assert any("pip install" in call for call in calls)
    assert "Starting over" not in make(checkout, "demo")[1]


def given_environment(checkout: Path, python: str = PYTHON) -> Path:
    """Make an environment as somebody else would, outside of the checkout."""
    folder = checkout.parent / "elsewhere"
    (folder / "bin").mkdir(parents=True)
    made = program(checkout, "python", python)
    for name in ("python", "hmcos"):
        shutil.copy(made, folder / "bin" / name)
    return folder


@pytest.mark.parametrize("linked", [True, False])
def test_an_environment_that_was_made_elsewhere_is_never_changed(checkout: Path, linked: bool) -> None:
    theirs = given_environment(checkout, PYTHON.replace("$*", "$* $PYTHONPATH"))
    if linked:
        (theirs / ".made-by-make").touch()  # in another checkout
        (checkout / ".venv").symlink_to(theirs)
    else:
        theirs = theirs.rename(checkout / ".venv")
    before = {path: path.stat().st_mtime_ns for path in theirs.rglob("*")}
    for target, options in (("demo", ""), ("test", " dev"), ("docs", " dev"), ("dist", " dev")):
        code, said, calls = make(checkout, target)
        assert code == 0, said
        ours = checkout / "src"
        assert calls[0] == f"python tools/missing_packages.py{options} {ours}"
        assert all(str(ours) in call for call in calls) and not any("pip" in call for call in calls)
    for folder in ("src", "tests", "benchmarks", "examples", "tools"):
        (checkout / folder).mkdir()
    assert make(checkout, "clean")[0] == 0
    assert {path: path.stat().st_mtime_ns for path in theirs.rglob("*")} == before


def test_what_an_environment_that_was_made_elsewhere_lacks_is_told() -> None:
    command = [sys.executable, "-S", ROOT / "tools" / "missing_packages.py", "dev"]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    for name in ("onnx", "pytest", "sphinx"):
        assert re.search(rf"\b{name}\b", ended.stderr)
    assert "remove .venv" in ended.stderr and "hmcos" not in ended.stderr


def test_this_environment_lacks_nothing() -> None:
    command = [sys.executable, ROOT / "tools" / "missing_packages.py", "dev"]
    assert subprocess.run(command, capture_output=True, text=True, check=False).stderr == ""


def test_an_environment_whose_python_is_gone_is_made_again(checkout: Path) -> None:
    program(checkout, "python", PYTHON)
    assert make(checkout, "demo")[0] == 0
    (checkout / ".venv" / "bin" / "python").unlink()
    code, said, calls = make(checkout, "demo")
    assert code == 0, said
    assert any("pip install" in call for call in calls)


def test_an_old_python_is_told(checkout: Path) -> None:
    old = program(checkout, "old", '#!/bin/sh\ncase "$*" in *version_info*) exit 1 ;; esac\n')
    for name in (old, "no-such-python"):
        code, said, _ = make(checkout, "test", python=name)
        assert code != 0
        assert f"hmcos needs Python 3.11 or newer, which '{name}' is not" in said
        assert not (checkout / ".venv").exists()


def test_a_python_that_cannot_make_environments_is_told(checkout: Path) -> None:
    bare = program(checkout, "bare", '#!/bin/sh\ncase "$*" in *ensurepip*) exit 1 ;; esac\n')
    code, said, _ = make(checkout, "demo", python=bare)
    assert code != 0 and "install python3-venv (Debian, Ubuntu) or uv" in said
    assert not (checkout / ".venv").exists()
