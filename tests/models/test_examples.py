"""The examples run and say what their texts promise."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import onnx
import pytest

import hmcos
from hmcos.zoo.catalogue import build
from row_networks import needs_compiler

pytestmark = pytest.mark.slow

EXAMPLES = Path(__file__).parents[2] / "examples"


def printed(name: str, *arguments: str) -> str:
    command = [sys.executable, str(EXAMPLES / name), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_memory_over_time_draws_both_orders(tmp_path: Path) -> None:
    path = tmp_path / "picture.svg"
    text = printed("memory_over_time.py", "zoo:nasnet-cifar", str(path))
    assert "2,605,824 bytes" in text
    assert "1,786,624 bytes" in text
    lines = ElementTree.parse(path).getroot().findall("{http://www.w3.org/2000/svg}polyline")
    assert len(lines) == 2


def test_memory_over_time_draws_before_and_after_tiling(tmp_path: Path) -> None:
    model, path = tmp_path / "small.onnx", tmp_path / "picture.svg"
    onnx.save(build("mobilenet-v2", width=0.35, resolution=96), str(model))  # pyright: ignore[reportUnknownMemberType]
    before, after = printed("memory_over_time.py", str(model), str(path), "--tile").splitlines()
    assert before == "best order, proved, 100 operators: 552,960 bytes"
    assert after.startswith("tiled, ")
    assert int(after.split()[-2].replace(",", "")) < 250_000
    lines = ElementTree.parse(path).getroot().findall("{http://www.w3.org/2000/svg}polyline")
    assert len(lines) == 2


def test_does_it_fit_finds_a_width() -> None:
    assert printed("does_it_fit.py").splitlines()[-1].startswith("widest that fits: ")


def test_a_cluster_finds_the_widest_that_fits() -> None:
    pytest.importorskip("distributed", reason="Dask is not installed")
    lines = printed("cluster.py").splitlines()
    assert sum(line.endswith((": fits", ": does not fit")) for line in lines) == 24
    assert lines[-1] == "6 fit into 786,432 bytes; the widest: 1 cells, 12 filters"


def test_own_problem_is_solved() -> None:
    assert printed("own_problem.py").startswith("file order: 210 bytes; best order: 120 bytes, optimal")


def test_the_search_under_a_budget_finds_a_network_that_fits(tmp_path: Path) -> None:
    pytest.importorskip("optuna")
    budget, picture = 600_000, tmp_path / "frontier.svg"
    limits = ("--budget", str(budget), "--trials", "25", "--seconds", "1000", "--jobs", "1")
    best, random = printed("search_under_budget.py", *limits, "--plot", str(picture)).splitlines()
    assert best.startswith("Optuna: 25 networks") and random.startswith("random: 25 networks")
    words = best.partition("best ")[2].split()
    family, cells, filters = words[0], int(words[2]), int(words[4].rstrip(":"))
    model = build(family, cells=cells, filters=filters)
    assert hmcos.schedule(model, budget=budget).status == hmcos.Status.FITS
    assert weights_of(best) == hmcos.inspect(model).parameter_bytes
    assert weights_of(best) > weights_of(random)
    assert len(ElementTree.parse(picture).getroot()) > 0


def weights_of(line: str) -> int:
    return int(line.removesuffix(" bytes of weights").rpartition(" ")[2].replace(",", ""))


def test_the_small_tflite_model_gains_by_its_order(tmp_path: Path) -> None:
    pytest.importorskip("ai_edge_litert")
    path = tmp_path / "branches.tflite"
    printed("small_tflite.py", str(path))
    plan = hmcos.schedule(path, target="tflm")
    assert (plan.given_peak, plan.peak, plan.status) == (8256, 2160, hmcos.Status.OPTIMAL)


@needs_compiler
def test_compile_rows_makes_a_program_that_takes_an_image_row_by_row(tmp_path: Path) -> None:
    pytest.importorskip("ai_edge_litert")
    memory, output = printed("compile_rows.py", str(tmp_path)).splitlines()
    assert memory == "whole tensors, best order: 55,296 bytes; row by row: 9,696 bytes"
    made = [int(number) for number in output.removeprefix("output for a random image: ").split()]
    assert len(made) == 2
    assert all(-128 <= number < 128 for number in made)
    assert hmcos.verify(tmp_path / "eyes.tflite", tmp_path / "eyes.c").holds


def test_rows_idea_draws_whole_tensors_and_rows(tmp_path: Path) -> None:
    pytest.importorskip("ai_edge_litert")
    path = tmp_path / "idea.svg"
    assert printed("rows_idea.py", str(path)).strip().endswith("630 bytes row by row, optimal")
    assert len(list(ElementTree.parse(path).getroot().iter("{http://www.w3.org/2000/svg}rect"))) > 20


def test_every_example_is_tested() -> None:
    tested = {"memory_over_time.py", "does_it_fit.py", "own_problem.py", "small_tflite.py"}
    tested |= {"compile_rows.py", "rows_idea.py", "cluster.py", "search_under_budget.py"}
    assert {path.name for path in EXAMPLES.glob("*.py")} == tested
