from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

import hmcos
from hmcos.errors import OptionError, OutputError, ToolError
from hmcos.report.pictures.picture_table import FORMS, PICTURES, names, renderer
from networks import FORK

GRAPHS = [name for name in names() if not PICTURES[name].plots]


@pytest.mark.parametrize("what", GRAPHS)
def test_dot_text_needs_no_program(what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    file = tmp_path / "fork.dot"
    assert hmcos.draw(FORK, file, what=what) == file
    assert file.read_text(encoding="utf-8").startswith("digraph {")


@pytest.mark.slow
@pytest.mark.parametrize("what", GRAPHS)
@pytest.mark.parametrize(("form", "start"), [("svg", b"<svg"), ("pdf", b"%PDF"), ("png", b"\x89PNG")])
def test_graphs_need_no_graphviz(
    what: str, form: str, start: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    assert renderer(what, form) == "hmcos"
    assert hmcos.draw(FORK, tmp_path / f"fork.{form}", what=what).read_bytes().startswith(start)


def test_without_graphviz_and_matplotlib_only_svg_is_drawn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ToolError, match=r"\.svg needs neither"):
        hmcos.draw("no such model.onnx", tmp_path / "fork.png")
    assert hmcos.draw(FORK, tmp_path / "fork.svg").stat().st_size > 1000


@pytest.mark.skipif(os.name != "posix", reason="the program is a script")
def test_graphviz_draws_where_it_is_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "dot"
    program.write_text('#!/bin/sh\ncat >/dev/null; printf "drawn with %s" "$1"\n', encoding="utf-8")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.defpath}")
    assert renderer("schedule", "svg") == "Graphviz"
    assert hmcos.draw(FORK, tmp_path / "fork.svg").read_bytes() == b"drawn with -Tsvg"
    assert renderer("schedule", "dot") == ""
    assert renderer("memory", "svg") == "matplotlib"


@pytest.mark.slow
@pytest.mark.parametrize("what", ["memory", "arena"])
@pytest.mark.parametrize("form", FORMS)
def test_plots_are_written(what: str, form: str, tmp_path: Path) -> None:
    file = hmcos.draw(FORK, tmp_path / f"fork.{form.upper()}", what=what)
    assert file.stat().st_size > 1000


def test_the_scheduler_that_was_asked_for_is_the_result(tmp_path: Path) -> None:
    file = hmcos.draw(FORK, tmp_path / "m.svg", what="memory", scheduler="given")
    text = file.read_text(encoding="utf-8")
    assert text.index("reverse post-order") < text.index("file order")
    assert "peak 210 B" in text


def test_titles_name_the_file_and_not_its_folders(tmp_path: Path) -> None:
    source = tmp_path / f"{'long' * 9}.json"
    hmcos.export_instance(FORK, source)
    text = hmcos.draw(source, tmp_path / "f.dot", what="graph").read_text(encoding="utf-8")
    assert "longlonglonglong…nglonglong.json, target" in text
    assert tmp_path.name not in text


def test_the_planner_that_was_asked_for_is_shown(tmp_path: Path) -> None:
    file = hmcos.draw(FORK, tmp_path / "a.svg", what="arena", allocator="tflite_arena")
    assert "arena by tflite_arena" in file.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("name", "what", "words"),
    [
        ("fork.gif", "graph", r"the suffix '\.gif' is no form of graph; choose \.svg, \.pdf, \.png, \.dot"),
        ("fork.dot", "memory", r"no form of memory; choose \.svg, \.pdf, \.png$"),
        ("fork", "graph", "a name without a suffix"),
        ("fork.dot", "painting", "no picture is called 'painting'"),
    ],
)
def test_wrong_names_are_told(name: str, what: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(OptionError, match=words):
        hmcos.draw(FORK, tmp_path / name, what=what)


def test_wrong_places_are_told(tmp_path: Path) -> None:
    (tmp_path / "folder.dot").mkdir()
    with pytest.raises(OutputError, match="is a folder"):
        hmcos.draw(FORK, tmp_path / "folder.dot")
    with pytest.raises(OutputError, match="there is no folder"):
        hmcos.draw(FORK, tmp_path / "none" / "fork.dot")


def test_a_source_is_never_drawn_over(tmp_path: Path) -> None:
    source = tmp_path / "fork.json"
    hmcos.export_instance(FORK, source)
    link = tmp_path / "fork.dot"
    link.symlink_to(source)
    with pytest.raises(OutputError, match="is the source"):
        hmcos.draw(source, link)
