"""The examples in the documents run, and print what the documents show.

A fence `pycon` holds a session of Python. In tutorials, a fence `console` holds commands after "$ " and what
they print. There `...` stands for anything, and nothing shown means that the output does not matter.
Fences `python` run in tutorials too, in the names of the sessions around them. One page runs in one folder.
"""

from __future__ import annotations

import doctest
import importlib.util
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = sorted(path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md"))
FENCE = re.compile(r"^```(\S*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
NEEDS = re.compile(r"<!-- needs: (.*) -->")
BOX = re.compile(r"[─━│┃┌┐└┘├┤┬┴┼┏┓┗┛┡┩┳┻╇╋]+")
RULES = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
SHELL = 'hmcos() { "$PYTHON" -m hmcos "$@"; }; python() { "$PYTHON" "$@"; }; '


def fences(text: str) -> Iterator[tuple[str, str, int]]:
    """Yield the language, the content and the line of every fence."""
    for fence in FENCE.finditer(text):
        yield fence[1], fence[2], text.count("\n", 0, fence.start()) + 1


def runs(page: str, language: str) -> bool:
    """Return whether examples in a language run on a page."""
    return language == "pycon" or (page.startswith("tutorials/") and language in ("console", "python"))


def commands(block: str) -> Iterator[tuple[str, str]]:
    """Yield the commands of a console and what each of them prints."""
    assert block.startswith("$ "), f"a console begins with a command: {block[:40]!r}"
    for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
        command, _, output = part.partition("\n")
        yield command, output


def unboxed(text: str) -> str:
    """Return a text without the frames of tables, whose widths depend on what else stands in them."""
    return BOX.sub(" ", text)


def same(shown: str, printed: str) -> bool:
    return doctest.OutputChecker().check_output(unboxed(shown), unboxed(printed), RULES)


def check_console(block: str, place: str) -> None:
    variables = {"PYTHON": sys.executable, "COLUMNS": "80", "TERM": "dumb"}
    for command, shown in commands(block):
        ended = subprocess.run(
            ["bash", "-c", SHELL + command],
            env=dict(os.environ) | variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        said = f"{place}: $ {command}\nprinted:\n{ended.stdout}"
        assert ended.returncode == 0, f"{said}\nand ended with {ended.returncode}"
        assert not shown or same(shown, ended.stdout), f"{said}\nnot as shown:\n{shown}"


def check_session(block: str, names: dict[str, Any], place: str) -> None:
    test = doctest.DocTestParser().get_doctest(block, names, place, None, 0)
    test.globs = names
    said: list[str] = []
    found = doctest.DocTestRunner(optionflags=RULES).run(test, out=said.append, clear_globs=False)
    assert not found.failed, f"{place}\n{''.join(said)}"


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
@pytest.mark.parametrize(
    "page", [p for p in PAGES if any(runs(p, f[0]) for f in fences((DOCS / p).read_text(encoding="utf-8")))]
)
def test_examples_run(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = (DOCS / page).read_text(encoding="utf-8")
    for needed in NEEDS.findall(text):
        for module in needed.split(", "):
            if importlib.util.find_spec(module) is None:
                pytest.skip(f"needs {module}")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    names: dict[str, Any] = {"__name__": "__main__"}
    for language, block, line in fences(text):
        place = f"docs/{page}, line {line}"
        if not runs(page, language):
            continue
        if language == "console":
            check_console(block, place)
        elif language == "pycon":
            check_session(block, names, place)
        else:
            exec(compile(block, place, "exec"), names)


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
def test_the_readme_shows_what_commands_print(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    consoles = [(block, line) for language, block, line in fences(readme) if language == "console"]
    assert consoles
    for block, line in consoles:
        check_console(block, f"README.md, line {line}")


@pytest.mark.parametrize("page", PAGES)
def test_no_session_is_left_out(page: str) -> None:
    for language, block, line in fences((DOCS / page).read_text(encoding="utf-8")):
        assert language == "pycon" or ">>> " not in block, (
            f"line {line}: call the fence pycon, so that it runs"
        )


def test_an_output_that_differs_is_found() -> None:
    assert same("│ peak │ 5 │\n...\n", "┃ peak   ┃   5 ┃\nproved\n")
    assert not same("│ peak │ 5 │\n", "│ peak │ 6 │\n")
    with pytest.raises(AssertionError, match="not as shown"):
        check_console("$ echo one\ntwo\n", "here")
    with pytest.raises(AssertionError, match="ended with 3"):
        check_console("$ exit 3\n", "here")
    with pytest.raises(AssertionError, match="Expected"):
        check_session(">>> 1 + 1\n3\n", {}, "here")
