"""Tables fit any terminal: nothing is lost, no word is torn, names that are too long lose their middle."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

import hmcos
from hmcos.memory.problem import Problem
from hmcos.plan.plan import OperatorRow
from hmcos.report.tables.arena_table import allocation_table
from hmcos.report.tables.explanation_tables import explanation_tables
from hmcos.report.tables.fitting import fitted, path_line
from hmcos.report.tables.result_tables import (
    comparison_table,
    experiment_table,
    inspection_tables,
    plan_tables,
    zoo_tables,
)
from hmcos.report.tables.tflm_arena import arena_table
from hmcos.report.tables.verification_table import measurement_table, verification_table
from hmcos.report.words.names import NAMED, operator_words
from hmcos.runtimes.onnxruntime.measured import Measured, Measurement
from hmcos.runtimes.tflite.tflm import TflmArena
from hmcos.tasks.measure.tflite import ArenaMeasurement
from hmcos.tasks.measure.tflite import MeasuredForm as MeasuredArena
from networks import FORK

FRAME = re.compile(r"[━┃┏┳┓┡╇┩│└┴┘─├┼┤▁▂▃▄▅▆▇█]+")
FUSED = ";".join(f"model/block_{i}/conv2d/BiasAdd" for i in range(40))
LARGE = replace(
    FORK,
    names=("stem/conv", "stem/conv_1", FUSED, "a/very/long/path/to/an/operator", "join"),
    sizes=tuple(size * 12_345 for size in FORK.sizes),
)


def drawn(what: RenderableType, width: int) -> str:
    console = Console(width=width, highlight=False)
    with console.capture() as captured:
        console.print(fitted(what), crop=False)
    return captured.get()


def words(text: str) -> list[str]:
    return FRAME.sub(" ", text).split()


def check(what: RenderableType, width: int) -> None:
    """Every word is one of those that a wide terminal shows, or stands for one without its middle."""
    text, wide = drawn(what, width), set(words(drawn(what, 2_000)))
    assert max(len(line.rstrip()) for line in text.splitlines()) <= width
    for word in words(text):
        begin, cut, end = word.partition("…")
        whole = {other.rstrip(",:") for other in wide} | wide
        if cut:
            assert any(one.startswith(begin) and one.endswith(end) for one in whole), word
        else:
            assert word in whole or word.rstrip(",:") in whole, word
    numbers = {word for word in wide if re.fullmatch(r"[\d,]{4,}", word)}
    assert numbers <= {word.rstrip(",") for word in words(text)} | set(words(text))


def arena_measurement() -> ArenaMeasurement:
    rows = tuple(
        MeasuredArena(name, TflmArena(73_728, 12_340, 86_068), 73_728)
        for name in ("source", "order alone", "order and offsets")
    )
    return ArenaMeasurement("model.tflite", 131_072, 73_728, 73_728, rows)


def measurement() -> Measurement:
    rows = (
        Measured("default settings", 4_005_123, 4_004_000, 4_006_789, None),
        Measured("planned order", 2_004_005, 2_004_000, 2_005_000, 2_004_005),
    )
    return Measurement("model.onnx", "onnxruntime", 5, rows)


def lives(folder: Path) -> Path:
    path = folder / "lives.csv"
    path.write_text("id,lower,upper,size\na,0,2,3456\nb,1,3,4567\n", encoding="utf-8")
    return path


def verification(folder: Path) -> RenderableType:
    problem = folder / "large.json"
    hmcos.export_instance(LARGE, problem)
    hmcos.schedule(problem, output=folder / "out")
    found = hmcos.verify(problem, folder / "out" / "plan.json")
    return verification_table(replace(found, source="large.json", result="plan.json"))


def experiment(folder: Path) -> RenderableType:
    hmcos.export_instance(LARGE, folder / "large.json")
    found = hmcos.experiment([str(folder / "large.json")])
    return experiment_table(replace(found, rows=tuple(replace(row, network="large") for row in found.rows)))


TABLES: dict[str, Callable[[Path], RenderableType]] = {
    "plan": lambda _: plan_tables(hmcos.schedule(LARGE)),
    "comparison": lambda _: comparison_table(hmcos.compare(LARGE)),
    "explanation": lambda _: explanation_tables(hmcos.explain(LARGE)),
    "explained model": lambda _: explanation_tables(hmcos.explain("zoo:darts-imagenet", time_limit=0)),
    "inspection": lambda _: inspection_tables(hmcos.inspect("zoo:darts-imagenet")),
    "inspected problem": lambda _: inspection_tables(hmcos.inspect(LARGE)),
    "arena": lambda folder: allocation_table(
        replace(hmcos.allocate(lives(folder), capacity=9_000), source="lives.csv")
    ),
    "verification": verification,
    "measurement": lambda _: measurement_table(measurement()),
    "arena of TFLM": lambda _: arena_table(arena_measurement()),
    "experiment": experiment,
    "zoo": lambda _: zoo_tables(
        [("pnas-imagenet", "pnas", "--dataset imagenet --cells 4 --filters 12")],
        [("randwire", "--nodes 32 --k 4 --p 0.75 --channels 78 --stages 3 --classes 1000 --batch 1")],
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("width", [40, 60, 79, 100, 120])
@pytest.mark.parametrize("name", TABLES)
def test_no_table_tears_a_word(name: str, width: int, tmp_path: Path) -> None:
    check(TABLES[name](tmp_path), width)


CELL = st.lists(st.text("abcXYZ_/0", min_size=1, max_size=40), max_size=4).map(" ".join)


@given(
    st.lists(st.tuples(CELL, CELL, st.integers(0, 10**12).map("{:,}".format)), max_size=6),
    st.sampled_from([40, 60, 79, 100]),
)
def test_whatever_stands_in_a_table_fits(rows: list[tuple[str, str, str]], width: int) -> None:
    table = Table("name", "what it is called")
    table.add_column("bytes", justify="right")
    for row in rows:
        table.add_row(*row)
    check(table, width)


def test_a_column_that_says_nothing_is_left_out() -> None:
    table = Table("name", "empty", "full")
    table.add_row("a", "", "b")
    assert "empty" not in drawn(table, 100)
    assert "full" in drawn(table, 100)


def test_a_row_that_does_not_fit_becomes_a_block() -> None:
    table = Table("tensor")
    table.add_column("bytes", justify="right")
    table.add_column("made\nby")
    table.add_row(Text("x", style="bold"), "1,786,624 B = 1.70 MiB\n12.5 %", "Conv 'conv2d_15'")
    assert drawn(table, 40).splitlines() == [
        "tensor",
        "x",
        "  bytes",
        "    1,786,624 B = 1.70 MiB, 12.5 %",
        "  made by  Conv 'conv2d_15'",
    ]


def test_paths_stay_whole_to_be_copied() -> None:
    path = path_line("model: " + "folder/" * 20)
    assert drawn(Group(path), 40) == f"{path.plain}\n"


def test_letters_of_two_columns_are_counted_so() -> None:
    table = Table("name", "bytes")
    table.add_row("卷积层" * 30, "1")
    assert all(Text(line).cell_len <= 40 for line in drawn(table, 40).splitlines())


def row(name: str, kind: str) -> OperatorRow:
    return OperatorRow(40, name, kind, "")


@pytest.mark.parametrize(
    ("name", "kind", "called"),
    [
        ("conv2d_15", "Conv", "Conv 'conv2d_15'"),
        ("CONCATENATION 40", "CONCATENATION", "CONCATENATION 40"),
        ("Conv_12", "Conv", "Conv_12"),
        ("Conv", "Conv", "Conv 40"),
        ("Convolve", "Conv", "Conv 'Convolve'"),
        ("", "Conv", "Conv 40"),
        ("shrink a", "", "operator 'shrink a'"),
        ("", "", "operator 40"),
        ("a\x1b", "Conv", "Conv 'a\\x1b'"),
    ],
)
def test_an_operator_is_called_once(name: str, kind: str, called: str) -> None:
    assert operator_words(row(name, kind)) == called


def test_names_of_fused_operators_lose_their_middle() -> None:
    called = operator_words(row(FUSED, "Conv"))
    assert len(called) <= NAMED + 10
    assert called.startswith("Conv 'model/block_0/")
    assert called.endswith("block_39/conv2d/BiasAdd'")


def test_the_line_of_memory_keeps_its_peak_at_every_width() -> None:
    steps = 3_000
    sizes = [1 << 20] * (steps + 1)
    sizes[1_777] = 1 << 30
    chain = Problem(
        names=("",) * steps,
        sizes=tuple(sizes),
        inputs=(0,),
        kept=(steps,),
        reads=tuple((i,) for i in range(steps)),
        makes=tuple((i + 1,) for i in range(steps)),
        may_overwrite=((),) * steps,
        scratch=(0,) * steps,
    )
    told = explanation_tables(hmcos.explain(chain, time_limit=0))
    for width in (30, 40, 60, 79, 120):
        lines = [line for line in drawn(told, width).splitlines() if "▁" in line]
        assert len(lines) == 3
        assert all("█" in line and len(line) <= width for line in lines)
