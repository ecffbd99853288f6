from __future__ import annotations

from importlib.machinery import ModuleSpec
from pathlib import Path

import pytest

import hmcos
from hmcos.__main__ import run
from hmcos.errors import OptionError, OutputError, PlanError, ToolError
from hmcos.report.page import page as writing
from networks import FORK
from onnx_models import external_diamond

pytest.importorskip("plotly")


@pytest.fixture
def fork(tmp_path: Path) -> Path:
    hmcos.export_instance(FORK, tmp_path / "fork.json")
    return tmp_path / "fork.json"


def test_a_page_stands_beside_its_plan_or_where_it_is_wanted(fork: Path, tmp_path: Path) -> None:
    plan = hmcos.schedule(fork, output=tmp_path / "out")
    assert hmcos.report(tmp_path / "out" / "plan.json") == tmp_path / "out" / "report.html"
    assert hmcos.report(plan) == tmp_path / "out" / "report.html"
    assert hmcos.report(hmcos.schedule(fork), output=tmp_path / "page.html").stat().st_size > 10_000


def test_a_page_needs_a_place_and_a_model(fork: Path, tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="name one with output"):
        hmcos.report(hmcos.schedule(fork))
    with pytest.raises(PlanError, match="--model"):
        hmcos.report(hmcos.schedule(FORK), output=tmp_path / "page.html")
    with pytest.raises(OutputError, match="is a folder"):
        hmcos.report(hmcos.schedule(fork), output=tmp_path)
    with pytest.raises(OutputError, match="is the source or one of its files"):
        hmcos.report(hmcos.schedule(fork), output=fork)


def test_the_page_spares_the_plan_the_source_and_what_was_written(tmp_path: Path) -> None:
    source, out = external_diamond(tmp_path / "home", "data/report.html"), tmp_path / "out"
    hmcos.schedule(source, output=out, emit="c")
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    places = [out / name for name in ("plan.json", "model.onnx", "model_arena.h", "data/report.html")]
    for place in [*places, source, source.parent / "data/report.html"]:
        for plan in (out / "plan.json", hmcos.read_plan(out / "plan.json")):
            with pytest.raises(OutputError, match=r"is the (plan|source) or one of its files"):
                hmcos.report(plan, output=place)
    # A file of the plan that is gone now may come back.
    (out / "data/report.html").rename(tmp_path / "elsewhere")
    with pytest.raises(OutputError, match="is the plan or one of its files"):
        hmcos.report(out / "plan.json", output=out / "data/report.html")
    (tmp_path / "elsewhere").rename(out / "data/report.html")
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before
    assert hmcos.report(out / "plan.json") == out / "report.html"


def test_the_default_place_may_be_that_of_a_data_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, out = external_diamond(tmp_path / "home", "report.html"), tmp_path / "out"
    with monkeypatch.context() as patched:
        patched.setattr(writing, "has_plotly", lambda: False)
        hmcos.schedule(source, output=out)
    weights = (out / "report.html").read_bytes()
    with pytest.raises(OutputError, match=r"report\.html: is the plan or one of its files"):
        hmcos.report(out / "plan.json")
    assert (out / "report.html").read_bytes() == weights


def test_a_file_of_the_user_that_is_called_like_the_page_stays(
    fork: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "report.html").write_text("<html>of another tool</html>")
    assert hmcos.schedule(fork, output=out).outputs.page is None
    assert run(["schedule", str(fork), "-o", str(out)]) == 0
    assert "report.html in the folder is not a page of hmcos and was kept" in capsys.readouterr().err
    assert (out / "report.html").read_text() == "<html>of another tool</html>"
    assert hmcos.schedule(fork, output=out, overwrite=True).outputs.page == str(out / "report.html")
    first = (out / "report.html").read_bytes()
    assert hmcos.schedule(fork, output=out, external_io=True).outputs.page is not None
    assert (out / "report.html").read_bytes() != first


def test_a_page_of_an_older_version_is_known(fork: Path, tmp_path: Path) -> None:
    hmcos.schedule(fork, output=tmp_path / "out")
    page = tmp_path / "out" / "report.html"
    assert not writing.is_foreign(page)
    older = page.read_bytes().replace(b'<meta name="generator" content="hmcos">\n', b"")
    page.write_bytes(older)
    assert not writing.is_foreign(page)
    assert writing.is_foreign(tmp_path / "out" / "plan.json")
    assert not writing.is_foreign(tmp_path / "gone")


@pytest.mark.parametrize("origin", [None, "plotly/__init__.py"])
def test_a_folder_called_plotly_is_not_plotly(
    fork: Path, tmp_path: Path, origin: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def found(name: str) -> ModuleSpec:
        return ModuleSpec(name, None, origin=origin)

    monkeypatch.setattr(writing, "find_spec", found)
    plan = hmcos.schedule(fork, output=tmp_path / "out")
    assert plan.outputs.page is None and not (tmp_path / "out" / "report.html").exists()
    with pytest.raises(ToolError, match="needs plotly"):
        hmcos.report(plan)
