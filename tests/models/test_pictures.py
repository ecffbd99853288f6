"""Pictures of a network of 900 operators, by the real program and without it."""

from __future__ import annotations

import shutil
from pathlib import Path
from xml.etree import ElementTree

import pytest

import hmcos
from hmcos.report.pictures import graphviz as rendering

pytestmark = pytest.mark.slow

needs_dot = pytest.mark.skipif(shutil.which("dot") is None, reason="the program dot (Graphviz) is missing")


@needs_dot
@pytest.mark.parametrize("what", ["hierarchy", "schedule", "top", "post-dominators"])
def test_a_large_graph_renders(what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rendering, "LAYOUT_SECONDS", 3600.0)  # the finest layout on any machine
    file = hmcos.draw("zoo:pnas-cifar", tmp_path / "pnas.svg", what=what, target="hmcos")
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


@pytest.mark.parametrize("what", ["hierarchy", "schedule", "top", "post-dominators"])
def test_a_large_graph_is_drawn_without_the_program(
    what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    file = hmcos.draw("zoo:pnas-cifar", tmp_path / "pnas.svg", what=what, target="hmcos")
    texts = [text.text or "" for text in ElementTree.parse(file).iter("{http://www.w3.org/2000/svg}text")]
    if what == "top":
        assert sum("leaves" in text for text in texts) > 20
    else:
        first = "#" if what == "post-dominators" else ""
        shown = {text.split("  ")[0] for text in texts}
        assert {f"{first}{number}" for number in range(916)} <= shown
