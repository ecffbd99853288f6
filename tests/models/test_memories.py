"""Several memories, from the command line to the files that were written."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

import hmcos
from hmcos.__main__ import run
from hmcos.errors import OptionError
from hmcos.plan.memory_blocks import MemoryBlock
from unit.verify import faults

CHIP = '[[memory]]\nname = "sram"\ncapacity = {}\n\n[[memory]]\nname = "psram"\n'
GOLDEN = Path(__file__).parents[1] / "golden"
STRICT = ("-Wall", "-Wextra", "-Werror", "-pedantic", "-fsyntax-only", "-x")


def chip(folder: Path, capacity: int | str) -> str:
    path = folder / "chip.toml"
    path.write_text(CHIP.format(capacity))
    return str(path)


@pytest.mark.slow
def test_from_a_model_to_files_that_hold(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model, out = str(faults.saved(tmp_path)), tmp_path / "out"
    given = ["--memories", chip(tmp_path, 80), "--target", "none"]
    assert run(["schedule", model, *given, "-o", str(out), "--emit", "c"]) == 0
    shown = capsys.readouterr().out
    assert "everything fits sram: no, proved: any order needs at least 96 B" in shown
    assert "read and written outside sram: 128 B, least traffic of this order, proved" in shown
    assert run(["verify", model, str(out / "plan.json")]) == 0
    shown = " ".join(capsys.readouterr().out.replace("│", " ").split())
    assert "sram 64 of 80 bytes, traffic 384, psram 32 bytes, traffic 128" in shown
    assert "separate blocks of 64 and 32 bytes make the same bits" in shown
    assert (out / "net_arena.h").read_text() == (GOLDEN / "memories.h").read_text()


@pytest.mark.parametrize("dialect", ["c", "c++"])
def test_the_header_compiles(dialect: str) -> None:
    compiler = shutil.which("cc") if dialect == "c" else shutil.which("c++")
    if compiler is None:
        pytest.skip("there is no compiler")
    standard = "-std=c11" if dialect == "c" else "-std=c++17"
    subprocess.run([compiler, standard, *STRICT, dialect, str(GOLDEN / "memories.h")], check=True)


def test_the_record_says_where_every_tensor_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = str(faults.saved(tmp_path))
    assert run(["schedule", model, "--memories", chip(tmp_path, 80), "--target", "none", "--json"]) == 0
    record = json.loads(capsys.readouterr().out)
    assert record["arena"] is None
    memories = record["memories"]
    assert (memories["status"], memories["traffic_bounds"]) == ("optimal", [128])
    assert [row["traffic"] for row in memories["blocks"]] == [384, 128]
    assert {row["memory"] for row in memories["buffers"]} == {"sram", "psram"}
    assert sum(row["bytes"] for row in memories["buffers"]) == 7 * 32
    documented = (Path(__file__).parents[2] / "docs" / "json.md").read_text()
    for key in (*memories, *memories["blocks"][0], *memories["buffers"][0]):
        assert f"`{key}`" in documented, key


def test_the_exit_code_says_whether_everything_has_a_place(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model, only = str(faults.saved(tmp_path)), tmp_path / "only.toml"
    only.write_text('[[memory]]\nname = "sram"\ncapacity = 95\n')
    given = ["schedule", model, "--memories", str(only), "--target", "none"]
    assert run([*given, "-o", str(tmp_path / "out")]) == 3
    assert "does not fit: proved: this order has no room for all buffers" in capsys.readouterr().out
    assert hmcos.read_plan(tmp_path / "out" / "plan.json").buffers == ()
    assert run(["verify", model, str(tmp_path / "out" / "plan.json")]) == 0
    only.write_text('[[memory]]\nname = "sram"\ncapacity = 96\n')
    assert run(given) == 0
    assert "everything fits sram: yes" in capsys.readouterr().out


def test_a_wrong_file_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = str(faults.saved(tmp_path))
    assert run(["schedule", model, "--memories", chip(tmp_path, '"64Q"')]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "chip.toml: memory[0].capacity: '64Q' is no size" in error


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"budget": 90}, "name no budget"),
        ({"budget": 90, "budget_for": "total"}, "name no budget"),
        ({"allocator": "best_fit"}, "name no allocator"),
        ({"minimize": "arena"}, "nothing to minimize"),
    ],
)
def test_options_that_contradict_memories_are_refused(options: dict[str, object], said: str) -> None:
    with pytest.raises(OptionError, match=said):
        hmcos.schedule(faults.model(), memories=[MemoryBlock("a", 1)], **options)  # type: ignore[arg-type]
