"""The checks of `make dist` refuse what they are there to find."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest

import hmcos

ROOT = Path(__file__).parents[2]


@pytest.fixture
def dist(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(sys, "path", [str(ROOT / "tools"), *sys.path])
    return importlib.import_module("dist")


def packed(dist: Any, place: Path, without: str = "", changed: str = "") -> Path:
    """Return a wheel of the checkout that lacks a file, or holds another content for one."""
    with ZipFile(place, "w") as wheel:
        for name, content in dist.package_files().items():
            if name != without:
                wheel.writestr(name, b"other" if name == changed else content)
    return place


def test_a_wheel_that_is_not_the_checkout_is_refused(dist: Any, tmp_path: Path) -> None:
    dist.check_wheel(packed(dist, tmp_path / "whole.whl"))
    with pytest.raises(SystemExit, match=r"missing \['hmcos/py.typed'\]"):
        dist.check_wheel(packed(dist, tmp_path / "untyped.whl", without="hmcos/py.typed"))
    with pytest.raises(SystemExit, match=r"not as in the checkout: \['hmcos/limits.py'\]"):
        dist.check_wheel(packed(dist, tmp_path / "changed.whl", changed="hmcos/limits.py"))


def test_a_tag_of_another_version_is_refused(dist: Any) -> None:
    dist.check_tag(f"v{hmcos.__version__}", hmcos.__version__)
    with pytest.raises(SystemExit, match=f"it has to be v{hmcos.__version__}"):
        dist.check_tag("v99.0", hmcos.__version__)
    with pytest.raises(SystemExit, match=r"CHANGELOG\.md has no heading for 99\.0"):
        dist.check_tag("v99.0", "99.0")


def test_a_command_that_fails_is_told_with_what_it_printed(dist: Any) -> None:
    with pytest.raises(SystemExit, match=r"ended with 3\nhere"):
        dist.run(sys.executable, "-c", "print('here'); raise SystemExit(3)")
    assert dist.run(sys.executable, "-c", "print('here')") == "here\n"


def test_nothing_leads_back_to_the_checkout(dist: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT / "src"))
    assert "PYTHONPATH" not in dist.bare_environment()
    assert dist.bare_environment(PYTHONPATH="there")["PYTHONPATH"] == "there"
