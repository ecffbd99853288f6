"""The tools that build the site: what they find, what they keep and what they must not leave out."""

from __future__ import annotations

import importlib
import re
import sys
from pathlib import Path
from typing import Any

import pytest

import hmcos

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]


@pytest.fixture
def tools(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [str(ROOT / "tools"), *sys.path])


def tool(name: str) -> Any:
    return importlib.import_module(name)


@pytest.mark.usefixtures("tools")
def test_links_that_lead_nowhere_are_found(tmp_path: Path) -> None:
    (tmp_path / "a.html").write_text('<h1 id="top here">A</h1> <a href="b.html#there">b</a> <a href="#gone">')
    (tmp_path / "b.html").write_text('<p id="there"><a href="c.html">c</a> <a href="https://x.org/y">x</a>')
    (tmp_path / "given.html").write_text('<a href="nothing.html">')
    found = list(tool("docs_links").broken_links(tmp_path, ("given.html",)))
    assert found == [
        "a.html: #gone leads to no place on that page",
        "b.html: c.html leads to no file",
    ]


@pytest.mark.usefixtures("tools")
@pytest.mark.parametrize(
    ("link", "expected"),
    [
        ("docs/arena.md#files", "../arena.md#files"),
        ("SECURITY.md", "security.md"),
        ("https://example.org/docs/x.md", "https://example.org/docs/x.md"),
        ("Makefile", "https://github.com/hmcos/hmcos/blob/main/Makefile"),
    ],
)
def test_pages_from_the_top_keep_their_links(link: str, expected: str) -> None:
    assert tool("build_docs").moved(f"see [it]({link}).") == f"see [it]({expected})."


@pytest.mark.usefixtures("tools")
def test_the_gallery_shows_every_picture() -> None:
    table = re.findall(r"^\| (`.*?`) \|", (ROOT / "docs/plots.md").read_text(encoding="utf-8"), re.MULTILINE)
    named = [name for row in table for name in re.findall(r"`([a-z][a-z-]+)`", row)]
    assert sorted(named) == sorted(picture.what for picture in tool("docs_gallery").PICTURES)


@pytest.mark.usefixtures("tools")
def test_the_reference_reaches_what_public_functions_return_and_raise() -> None:
    reference = tool("docs_reference")
    reached = {found.__name__ for found in reference.reached(reference.public().values())}
    assert {"Plan", "Explanation", "Comparison", "Verification", "Measurement", "Observer"} <= reached
    assert not {"Format", "OffsetsInFiles", "Written"} & reached
    assert "InstanceError" in {found.__name__ for found in reference.errors(hmcos.HmcosError)}


@pytest.mark.usefixtures("tools")
def test_a_page_without_the_place_for_what_is_generated_is_told() -> None:
    filled = tool("docs_gallery").filled
    assert filled("a <!-- generated: help --> b", "help", "it") == "a it b"
    with pytest.raises(SystemExit, match="has to have <!-- generated: help --> once"):
        filled("a b", "help", "it")
