"""The examples in docstrings, run: what they print is what is written below them."""

from __future__ import annotations

import doctest
from importlib import import_module
from pathlib import Path

import pytest

import hmcos

SOURCES = Path(hmcos.__file__).parent
MODULES = [
    ".".join(("hmcos", *file.relative_to(SOURCES).with_suffix("").parts))
    for file in sorted(SOURCES.rglob("*.py"))
    if ">>> " in file.read_text(encoding="utf-8")
]


def test_there_are_docstrings_with_examples() -> None:
    assert "hmcos.allocation.exact.state" in MODULES


@pytest.mark.parametrize("name", MODULES)
def test_an_example_prints_what_its_docstring_says(name: str) -> None:
    module = import_module(name)
    finder = doctest.DocTestFinder()
    examples = [test for test in finder.find(module, name) if test.examples]
    assert examples
    for test in examples:
        said: list[str] = []
        ran = doctest.DocTestRunner().run(test, out=said.append)
        assert not ran.failed, "".join(said)
