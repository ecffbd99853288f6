"""Pictures of a network of 900 operators, by the real program."""

from __future__ import annotations

import shutil
from pathlib import Path
from time import perf_counter
from xml.etree import ElementTree

import pytest

import hmcos

needs_dot = pytest.mark.skipif(shutil.which("dot") is None, reason="the program dot (Graphviz) is missing")


@needs_dot
@pytest.mark.parametrize("what", ["hierarchy", "schedule", "top", "post-dominators"])
def test_a_large_graph_renders_in_under_twenty_seconds(what: str, tmp_path: Path) -> None:
    begun = perf_counter()
    file = hmcos.draw("zoo:pnas-cifar", tmp_path / "pnas.svg", what=what, target="hmcos")
    assert perf_counter() - begun < 20
    titles = [title.text for title in ElementTree.parse(file).iter("{http://www.w3.org/2000/svg}title")]
    if what == "top":
        assert sum(title is not None and title.startswith("block") for title in titles) > 20
    else:
        assert {f"op{op}" for op in range(916)} <= set(titles)


@needs_dot
@pytest.mark.parametrize(("form", "start"), [("png", b"\x89PNG"), ("pdf", b"%PDF")])
def test_the_program_draws_other_forms(form: str, start: bytes, tmp_path: Path) -> None:
    file = hmcos.draw("zoo:darts-imagenet", tmp_path / f"darts.{form}", what="top")
    assert file.read_bytes().startswith(start)
