"""Generate the reference: the public names of hmcos, the types that they use, and the commands."""

from __future__ import annotations

import ast
import inspect
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import hmcos

FUNCTIONS = """Functions
=========

All take keyword arguments, and raise a subclass of :class:`hmcos.HmcosError` for wrong input.
"""
TYPES = """Public types
============

Frozen values that the functions take and return.
"""
MORE = """Further types
=============

Other types that the public functions take, return and raise. Functions make these values; you read their
attributes. Import only the public types, from ``hmcos``.
"""


INSIDE = ("hmcos.frontends.format",)
"""Modules whose types matter only to authors of formats: the reference does not describe them."""


def public() -> dict[str, Any]:
    """Return the public functions and types by name."""
    return {name: getattr(hmcos, name) for name in hmcos.__all__ if not name.startswith("__")}


def annotated(value: Any) -> Iterator[str]:
    """Yield the annotations of a function's result, or of the attributes of a class.

    Of the parameters of a function, only observers count, because callers write their own.
    """
    if not inspect.isclass(value):
        found = inspect.get_annotations(value)
        yield from (str(found[name]) for name in ("return", "observer") if name in found)
        return
    yield from map(str, inspect.get_annotations(value).values())
    for name, member in vars(value).items():
        function = member.fget if isinstance(member, property) else member
        if inspect.isfunction(function) and not name.startswith("_"):
            yield str(inspect.get_annotations(function).get("return", ""))


def imports(module: Any) -> dict[str, tuple[str, str]]:
    """Return where each name that a module imports is defined, imports for type checkers included."""
    tree = ast.parse(inspect.getsource(module))
    found = (node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module)
    return {name.asname or name.name: (str(node.module), name.name) for node in found for name in node.names}


def named_types(value: Any) -> Iterator[type]:
    """Yield the types of this package that a function or a class names in its annotations."""
    module = inspect.getmodule(value)
    imported = imports(module)
    for name in re.findall(r"\b[A-Z]\w*", " ".join(annotated(value))):
        found = getattr(module, name, None)
        if found is None and name in imported:
            place, attribute = imported[name]
            found = getattr(import_module(place), attribute, None) if place.startswith("hmcos") else None
        if inspect.isclass(found) and found.__module__.startswith("hmcos") and found.__module__ not in INSIDE:
            yield found


def errors(root: type[Exception]) -> Iterator[type]:
    """Yield all subclasses of an error that are loaded."""
    for error in root.__subclasses__():
        yield error
        yield from errors(error)


def reached(values: Iterable[Any]) -> set[type]:
    """Return the types that the annotations of values name, and the types that those name, transitively."""
    found: set[type] = set()
    waiting = list(values)
    while waiting:
        new = set(named_types(waiting.pop())) - found
        found |= new
        waiting += new
    return found


def write_reference(folder: Path) -> None:
    """Write the pages about Python into a folder."""
    names = public()
    types = {name: value for name, value in names.items() if inspect.isclass(value)}
    functions = [name for name in names if name not in types]
    entries = [FUNCTIONS, *(f".. autofunction:: hmcos.{name}\n" for name in functions)]
    (folder / "functions.rst").write_text("\n".join(entries), encoding="utf-8")
    entries = [_entry(f"hmcos.{name}", value) for name, value in types.items()]
    (folder / "types.rst").write_text("\n".join([TYPES, *entries]), encoding="utf-8")
    found = {*reached(names.values()), *errors(hmcos.HmcosError)} - set(types.values())
    further = sorted(found, key=lambda one: (one.__name__, one.__module__))
    entries = [MORE, *(_entry(f"{one.__module__}.{one.__name__}", one) for one in further)]
    (folder / "more-types.rst").write_text("\n".join(entries), encoding="utf-8")


def _entry(name: str, value: type) -> str:
    directive = "autoexception" if issubclass(value, Exception) else "autoclass"
    return f".. {directive}:: {name}\n   :members:\n   :undoc-members:\n"


def help_texts() -> str:
    """Return the help of all commands, one section each."""
    whole = _help()
    listed = whole.partition("\nCommands:\n")[2].partition("\n\n")[0]
    names = re.findall(r"^  ([a-z]+) ", listed, re.MULTILINE)
    return "\n".join([_text(whole), *map(_section, names)])


def _section(name: str) -> str:
    return f"## hmcos {name}\n\n{_text(_help(name))}"


def _help(*command: str) -> str:
    words = [sys.executable, "-m", "hmcos", *command, "--help"]
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout


def _text(text: str) -> str:
    return f"```text\n{text}```\n"
