"""What the metadata, the workflows, the hooks and the forms of the project say agrees with its commands."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

import hmcos

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def text(name: str) -> str:
    """Return a file of the checkout; an sdist does not have all of them."""
    path = ROOT / name
    if not path.exists():
        pytest.skip(f"{name} is only in a git checkout")
    return path.read_text(encoding="utf-8")


def pythons() -> list[str]:
    return re.findall(
        r"^Programming Language :: Python :: (3\.\d+)$", "\n".join(PROJECT["classifiers"]), re.M
    )


def test_the_oldest_python_is_the_one_that_the_tools_check_for() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]
    oldest = pythons()[0]
    assert PROJECT["requires-python"] == f">={oldest}"
    assert settings["pyright"]["pythonVersion"] == oldest
    assert settings["ruff"]["target-version"] == f"py{oldest.replace('.', '')}"


def test_every_python_that_is_named_is_tried_by_ci() -> None:
    (listed,) = re.findall(r"python: \[(.*)\]", text(".github/workflows/ci.yml"))
    assert re.findall(r'"(.*?)"', listed) == pythons()


def test_ci_and_release_run_what_a_developer_runs() -> None:
    for name in ("ci.yml", "release.yml"):
        assert "- run: .ci/run\n" in text(f".github/workflows/{name}")
    assert "- run: make dist TAG=" in text(".github/workflows/release.yml")
    assert "- run: make site EXTERNAL=1\n" in text(".github/workflows/links.yml")
    assert text(".ci/run").endswith("exec make check\n")


def test_hooks_run_the_tools_of_make_check() -> None:
    makefile = text("Makefile").replace("$(BIN)", ".venv/bin")
    entries = re.findall(r"entry: (.*)", text(".pre-commit-config.yaml"))
    lint = re.findall(r"^lint:.*\n((?:\t.*\n)+)", makefile, re.MULTILINE)[0].splitlines()
    assert len(entries) == len(lint)
    for entry, command in zip(entries, lint, strict=True):
        assert command.strip().startswith(entry)


def test_a_bug_report_asks_for_an_instance() -> None:
    assert "`hmcos inspect MODEL --instance bug.json`" in text(".github/ISSUE_TEMPLATE/bug_report.yml")


def test_the_version_is_said_once_more_only_where_it_is_cited() -> None:
    assert f"\nversion: {hmcos.__version__}\n" in text("CITATION.cff")
    assert re.search(rf"^## {re.escape(hmcos.__version__)}\b", text("CHANGELOG.md"), re.MULTILINE)


def test_unit_tests_mirror_the_rooms() -> None:
    source, tests = ROOT / "src/hmcos", ROOT / "tests/unit"
    rooms = {path.parent.relative_to(source) for path in source.rglob("__init__.py")}
    mirrored = {path.parent.relative_to(tests) for path in tests.rglob("test_*.py")}
    assert mirrored - rooms == set(), "tests of a room that is not there"


def test_no_test_is_made_of_another() -> None:
    found = [
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "tests").rglob("*.py")
        if re.search(r"^from .*\btest_\w+ import", path.read_text(encoding="utf-8"), re.MULTILINE)
    ]
    assert found == [], "move what they share into a file of its own"
