from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from hmcos.__main__ import run
from hmcos.allocation.lives import Lives
from hmcos.allocation.planner import Allocator
from hmcos.allocation.planner_table import allocator
from hmcos.limits import Limits, Status, Watch
from hmcos.plan.arena import Arena
from hmcos.tasks import place_lives as lives_file
from hmcos.tasks.place_lives import LivesRequest, allocate_file
from networks import INSTANCE

PUBLIC = "id,lower,upper,size\nb1,0,3,4\nb2,3,9,4\nb3,0,9,4\nb4,9,21,4\nb5,0,21,4\n"
"""The example of MiniMalloc: all five fit into 12 bytes."""
TIGHT = "id,lower,upper,size\na,0,2,3\nb,0,4,2\nc,2,4,4\n"
"""Six bytes are alive at once, and b must lie at the edge of them: 6 is enough."""
ODD = "id,lower,upper,size\na,0,9,1\nb,0,2,2\nc,1,4,3\nd,3,9,2\n"


@pytest.fixture
def public(tmp_path: Path) -> str:
    path = tmp_path / "public.csv"
    path.write_text(PUBLIC)
    return str(path)


def test_offsets_are_added_to_the_table(
    public: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "placed.csv"
    assert run(["arena", public, "--capacity", "12", "-o", str(out)]) == 0
    shown = capsys.readouterr()
    assert "fits" in shown.out
    assert shown.err == ""
    lines = out.read_text().splitlines()
    assert lines[0] == "id,lower,upper,size,offset"
    assert [line.rsplit(",", 1)[0] for line in lines] == PUBLIC.splitlines()
    assert max(int(line.rsplit(",", 1)[1]) for line in lines[1:]) == 8


def test_json_has_the_documented_keys(public: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["a", public, "--json"]) == 0
    shown = capsys.readouterr().out
    record = json.loads(shown)
    assert shown.count("\n") == 1
    documented = (Path(__file__).parents[3] / "docs" / "json.md").read_text()
    for key in record:
        assert f"`{key}`" in documented, key
    assert (record["size"], record["lower_bound"], record["status"]) == (12, 12, "optimal")
    assert list(record["offsets"]) == ["b1", "b2", "b3", "b4", "b5"]


def test_what_does_not_fit_is_proved_and_nothing_is_written(
    public: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "placed.csv"
    assert run(["arena", public, "--capacity", "11", "-o", str(out), "--json"]) == 3
    assert json.loads(capsys.readouterr().out)["status"] == "does not fit"
    assert not out.exists()
    assert run(["arena", public, "--capacity", "11"]) == 3
    assert "does not fit: proved" in capsys.readouterr().out


def test_a_life_larger_than_the_capacity_does_not_fit(
    public: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is an answer, not wrong input: whoever asks with several capacities gets the same exit code."""
    out = tmp_path / "placed.csv"
    assert run(["arena", public, "--capacity", "3", "-o", str(out)]) == 3
    assert "does not fit: proved" in capsys.readouterr().out
    assert not out.exists()


def lives_json(*lives: dict[str, object]) -> str:
    named = [{"id": f"l{i}", **life} for i, life in enumerate(lives)]
    return json.dumps({"format": "hmcos-lives/1", "lives": named})


def test_what_the_caller_supplies_is_not_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "lives.json"
    path.write_text(
        lives_json({"birth": 0, "death": 2, "size": 4, "external": True}, {"birth": 0, "death": 1, "size": 1})
    )
    assert run(["arena", str(path), "--capacity", "1", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["offsets"] == {"l0": None, "l1": 0}


@pytest.mark.parametrize(
    ("rows", "size"), [("a,0,2,2,0-2\n", 0), ("a,0,2,2,0-2\nb,0,1,1,\n", 1), ("a,0,2,2,0-1 1-2\n", 0)]
)
def test_a_life_that_never_needs_its_bytes_needs_no_room(
    rows: str, size: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, out = tmp_path / "lives.csv", tmp_path / "placed.csv"
    path.write_text("id,lower,upper,size,gaps\n" + rows)
    assert run(["arena", str(path), "--json", "-o", str(out)]) == 0
    record = json.loads(capsys.readouterr().out)
    assert (record["size"], record["status"]) == (size, "optimal")
    assert out.read_text().startswith("id,lower,upper,size,gaps,offset\n")
    assert run(["arena", str(path), "--capacity", "1"]) == 0


def test_a_pin_that_is_wrong_for_what_takes_the_life_over_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "lives.json"
    path.write_text(
        lives_json(
            {"birth": 0, "death": 2, "size": 2, "offset": 8},
            {"birth": 2, "death": 4, "size": 2, "takes_over": 0, "alignment": 6, "gaps": [[2, 4]]},
        )
    )
    assert run(["arena", str(path)]) == 1
    expected = f"hmcos: error: {path}: life 1: pinned at 8, which is not a multiple of 6\n"
    assert capsys.readouterr().err == expected


@pytest.mark.parametrize("end", ["\r", "\r\n", "\n"])
def test_lines_may_end_as_on_any_system(end: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "lives.csv"
    path.write_bytes(PUBLIC.replace("\n", end).encode())
    assert run(["arena", str(path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["size"] == 12


def test_what_is_not_decided_in_time_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    hard = Path(__file__).parents[3] / "benchmarks" / "quality" / "minimalloc" / "D.1048576.csv"
    assert run(["arena", str(hard), "--capacity", "1MiB", "--time-limit", "0", "--json"]) == 4
    record = json.loads(capsys.readouterr().out)
    assert record["status"] == "time limit"
    assert record["lower_bound"] <= 2**20 < record["size"]
    assert run(["arena", str(hard), "--capacity", "1MiB", "--time-limit", "0"]) == 4
    assert "undecided: time limit" in capsys.readouterr().out
    assert run(["arena", str(hard), "--time-limit", "0"]) == 0


def test_an_allocator_that_gives_up_does_not_speak_for_others(capsys: pytest.CaptureFixture[str]) -> None:
    hard = Path(__file__).parents[3] / "benchmarks" / "quality" / "minimalloc" / "D.1048576.csv"
    assert run(["arena", str(hard), "--capacity", "1MiB", "--allocator", "largest_first"]) == 4
    assert "undecided: largest_first found none that fits, another allocator may" in capsys.readouterr().out


def test_json_lives_come_back_pinned_where_they_are(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lives = {
        "format": "hmcos-lives/1",
        "alignment": 8,
        "pools": [{"name": "fast", "capacity": 24}, {"name": "slow", "capacity": 64}],
        "lives": [
            {"id": "a", "birth": 0, "death": 4, "size": 20},
            {"id": "b", "birth": 1, "death": 4, "size": 16, "pools": [1]},
            {"id": "c", "birth": 0, "death": 9, "size": 99, "external": True},
        ],
    }
    source, once, twice = (tmp_path / f"{name}.json" for name in ("source", "once", "twice"))
    source.write_text(json.dumps(lives))
    assert run(["arena", str(source), "-o", str(once), "--json"]) == 0
    offsets = json.loads(capsys.readouterr().out)["offsets"]
    assert offsets == {"a": 0, "b": 24, "c": None}
    assert run(["arena", str(once), "-o", str(twice)]) == 0
    assert once.read_text() == twice.read_text()
    assert '"offset": 24' in once.read_text()


@pytest.mark.parametrize(
    "name", ["exact", "largest_first", "birth_order", "tflite_arena", "hill_climb", "ejection"]
)
def test_every_planner_answers(tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "odd.csv"
    path.write_text(ODD)
    assert run(["arena", str(path), "--allocator", name, "--json"]) == 0
    record = json.loads(capsys.readouterr().out)
    assert record["size"] >= record["lower_bound"] >= 6
    assert (record["status"] == "optimal") == (record["size"] == record["lower_bound"])


def test_more_workers_give_the_same_size(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "tight.csv"
    path.write_text(TIGHT)
    assert run(["arena", str(path), "--jobs", "2", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["size"] == 6


@pytest.mark.parametrize(
    ("text", "options", "words"),
    [
        ("id,lower,size\na,0,4\n", [], "column 'upper' is missing"),
        ("id,lower,upper,size\na,4,2,8\n", [], ":2: 'a' lives in [4, 2)"),
        ("id,lower,upper,size\na,-4,2,8\n", [], ":2: 'a' lives in [-4, 2)"),
        ("id,lower,upper,size\na,0,2,0\n", [], ":2: 'a' has 0 bytes"),
        ("id,lower,upper,size\na,0,2,1\na,0,2,1\n", [], ":3: id 'a' appears twice"),
        ("lower,upper,size,id\n0,2,1\n", [], ":2: the line ends before its id"),
        ('id,lower,upper,"size\0"\n', [], "column 'size' is missing"),
        ("id,lower,upper,size\n" + "a" * 200_000 + ",0,2,1\n", [], "not CSV: field larger than field limit"),
        (PUBLIC, ["-o", "SOURCE"], "is the source"),
        (PUBLIC, ["-o", "nowhere/x.csv"], "there is no folder"),
        (PUBLIC, ["-o", "/"], "is a folder"),
    ],
)
def test_wrong_input_is_one_line(
    tmp_path: Path, text: str, options: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "lives.csv"
    path.write_text(text)
    assert run(["arena", str(path), *(str(path) if o == "SOURCE" else o for o in options)]) == 1
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.startswith("hmcos: error: ")
    assert shown.err.count("\n") == 1
    assert words in shown.err
    if words.startswith(":"):
        assert "lives.csv" + words in shown.err
    assert path.read_text() == text


def test_a_wrong_arena_is_never_written(public: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A planner that lies is caught by the independent check."""

    def lying(name: str, jobs: int) -> Allocator:
        def plan(lives: Lives, limits: Limits, watch: Watch) -> Arena:
            arena = allocator(name, jobs)(lives, limits, watch)
            return replace(arena, offsets=(0,) * len(arena.offsets))

        return plan

    monkeypatch.setattr(lives_file, "allocator_called", lying)
    out = tmp_path / "out.csv"
    assert run(["arena", public, "-o", str(out)]) == 1
    assert not out.exists()


@pytest.fixture
def fork(tmp_path: Path) -> str:
    path = tmp_path / "2nd-fork.json"
    path.write_text(INSTANCE)
    return str(path)


def test_the_table_of_a_plan_tells_of_the_arena(fork: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["schedule", fork, "--alignment", "16"]) == 0
    shown = capsys.readouterr().out
    for words in ("largest first", "waste", "neither another order nor other offsets need less"):
        assert words in shown


@pytest.mark.parametrize(("budget", "code"), [("120", 0), ("119", 3)])
def test_with_a_planner_a_budget_asks_for_the_arena(
    fork: str, budget: str, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["schedule", fork, "--budget", budget, "--allocator", "auto", "--json"]) == code
    record = json.loads(capsys.readouterr().out)
    assert record["arena"]["status"] == record["status"]
    assert run(["schedule", fork, "--budget", budget, "--json"]) == code
    assert json.loads(capsys.readouterr().out)["arena"] is None


@pytest.mark.parametrize("alignment", ["1", "16", "64"])
def test_the_header_compiles_without_a_warning(
    fork: str, tmp_path: Path, alignment: str, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    line = ["schedule", fork, "-o", str(out), "--emit", "c", "--alignment", alignment, "--json"]
    assert run(line) == 0
    outputs = json.loads(capsys.readouterr().out)["outputs"]
    assert outputs["header"] == str(out / "2nd-fork_arena.h")
    text = Path(outputs["header"]).read_text()
    assert "#define NET_2ND_FORK_ARENA_SIZE" in text
    assert "NET_2ND_FORK_OFFSET_BUFFER_1 " in text
    compiler = shutil.which("gcc")
    if compiler is None:
        pytest.skip("needs gcc")
    source = tmp_path / "use.c"
    source.write_text(
        '#include "2nd-fork_arena.h"\n'
        "NET_2ND_FORK_ALIGNED static unsigned char arena[NET_2ND_FORK_ARENA_SIZE];\n"
        "int main(void) { return arena[NET_2ND_FORK_OFFSET_BUFFER_1]; }\n"
    )
    command = [compiler, "-std=c11", "-Wall", "-Wextra", "-Werror", "-I", str(out), "-c", str(source)]
    subprocess.run([*command, "-o", str(tmp_path / "use.o")], check=True)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--capacity", "0"], "a capacity is at least 1 byte"),
        (["--allocator", "best"], "no allocator is called 'best'"),
        (["--jobs", "0"], "at least 1, not 0"),
        (["--jobs", "2", "--allocator", "birth_order"], "only auto and exact can use more than one"),
    ],
)
def test_a_wrong_use_is_one_line(
    public: str, options: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["arena", public, *options]) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.count("\n") == 1
    assert words in shown.err


def test_statuses_of_a_file_are_those_of_its_question(public: str) -> None:
    found = allocate_file(Path(public), LivesRequest(capacity=12), None, Limits(), Watch())
    assert found.decided is Status.FITS
    assert found.fits
