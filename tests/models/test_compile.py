"""From a model file to C code that runs, by the command line, and back by verify."""

from __future__ import annotations

import json
import os
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from random import Random
from typing import Any, cast

import numpy as np
import pytest

import hmcos
from hmcos.__main__ import run
from hmcos.backends.c.comparing import reference
from hmcos.backends.c.cortex_m import Built, Emulated
from hmcos.errors import PlanError, ToolError
from hmcos.frontends.tflite.reading import model_in
from hmcos.processes import run_program
from hmcos.runtimes.tflite.litert import random_inputs
from hmcos.tasks.verify import code
from hmcos.verify.checks import Answer, Verification
from int8_networks import Grower, fully_connected, unsigned
from row_networks import SEEDS, compiled, needs_compiler, record_of, written
from tflite_models import Sketch

pytestmark = [pytest.mark.slow]
CMSIS_NN = Path(__file__).parents[1] / "cmsis_nn_stub"
"""A stand-in for the library."""
needs_tflm = pytest.mark.skipif(find_spec("tflite_micro") is None, reason="tflite-micro is not installed")


def answers(verification: Verification) -> dict[str, str]:
    return {check.name: str(check.answer) for check in verification.checks}


def _never(engine: str) -> bool:
    return False


def _other(*_: object) -> list[bytes]:
    return [b"other", b"other"]


def words(verification: Verification, name: str) -> str:
    return next(check.words for check in verification.checks if check.name == name)


@needs_compiler
@needs_tflm
@pytest.mark.parametrize("feeding", ["whole", "rows"])
@pytest.mark.parametrize("seed", SEEDS)
def test_compiled_code_holds(seed: int, feeding: str, tmp_path: Path) -> None:
    compiled(tmp_path, seed, feeding, name="eyes")
    found = hmcos.verify(tmp_path / "net.tflite", tmp_path / "net.c", runs=3)
    assert found.holds, found
    assert list(answers(found)) == [
        *("source", "files", "rows", "memory", "arena", "code", "compiler", "outputs", "sanitizers"),
        "Cortex-M4",
    ]
    assert "equal to TFLM in every bit, for inputs of 3 seeds" in words(found, "outputs")


@needs_compiler
@needs_tflm
def test_code_that_calls_cmsis_nn_is_run_with_the_library(tmp_path: Path) -> None:
    compiled(tmp_path, 6, kernels="cmsis-nn")
    assert "arm_" in (tmp_path / "net.c").read_text("utf-8")
    found = hmcos.verify(tmp_path / "net.tflite", tmp_path / "net.c")
    assert found.answer is Answer.NOT_RUN
    assert "--cmsis-nn" in words(found, "compiler")
    found = hmcos.verify(tmp_path / "net.tflite", tmp_path / "net.c", cmsis_nn=CMSIS_NN)
    assert found.holds, found
    assert "UBSan does not look into CMSIS-NN" in words(found, "sanitizers")


@needs_compiler
def test_the_command_line_compiles_and_verifies(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model, place = written(tmp_path), tmp_path / "out" / "eyes.c"
    assert run(["compile", str(model), "-o", str(place), "--input", "rows", "--section", "ram=.dtcm"]) == 0
    shown = capsys.readouterr().out
    for line in (
        "row by row: the arena",
        "lower bound of row orders",
        "flash, without machine code",
        "optimal: proved least for row-wise orders",
    ):
        assert line in shown
    assert run(["compile", str(model), "--json"]) == 0
    record = json.loads(capsys.readouterr().out)
    assert (record["status"], record["input"], record["outputs"]["code"]) == ("optimal", "whole", None)
    assert record["arena"] >= record["peak"] == record["lower_bound"]
    assert run(["verify", str(model), str(place), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["holds"] is True


@pytest.mark.parametrize(("budget", "exit_code"), [("1M", 0), ("1", 3)])
def test_a_budget_has_its_exit_code(
    budget: str, exit_code: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = written(tmp_path)
    assert run(["compile", str(model), "-o", str(tmp_path / "net.c"), "--budget", budget]) == exit_code
    assert (tmp_path / "net.c").exists() == (exit_code == 0)
    assert ("nothing was written" in capsys.readouterr().err) == (exit_code == 3)


@pytest.mark.parametrize("section", ["rom=.x", "flash", "=", "ram="])
def test_a_wrong_section_is_wrong_usage(section: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["compile", "net.tflite", "--section", section]) != 0
    assert "write flash=NAME or ram=NAME" in capsys.readouterr().err


@needs_compiler
def test_given_inputs_are_run(tmp_path: Path) -> None:
    compiled(tmp_path)
    place = tmp_path / "net.tflite"
    graph = model_in(place.read_bytes(), place).graph
    shape = graph.tensors[graph.inputs[0]].shape
    np.save(tmp_path / "mine.npy", np.full(shape, 7, "int8"))
    found = hmcos.verify(tmp_path / "net.tflite", tmp_path / "net.c", inputs={"0": tmp_path / "mine.npy"})
    assert found.holds
    np.save(tmp_path / "other.npy", np.zeros((2, 2), "int8"))
    with pytest.raises(hmcos.HmcosError, match=r"other\.npy"):
        hmcos.verify(tmp_path / "net.tflite", tmp_path / "net.c", inputs={"0": tmp_path / "other.npy"})


def test_code_that_was_changed_is_never_run(tmp_path: Path) -> None:
    compiled(tmp_path)
    with (tmp_path / "net.c").open("a") as file:
        file.write("\n#error never compiled\n")
    found = hmcos.verify(tmp_path / "net.tflite", tmp_path / "net.plan.json")
    assert answers(found) == {"source": "holds", "files": "does not hold"}
    assert "was changed" in words(found, "files")


def test_code_of_another_version_is_not_run(tmp_path: Path) -> None:
    plan = compiled(tmp_path).plan
    (tmp_path / "net.c").write_text("int other;\n")
    record = record_of(plan)
    digest = import_module("hashlib").sha256(b"int other;\n").hexdigest()
    record["outputs"]["sha256"]["net.c"] = digest
    record["flash"]["weights"] += 1  # another version may also need other constants
    (tmp_path / "net.plan.json").write_text(json.dumps(record))
    found = hmcos.verify(tmp_path / "net.tflite", tmp_path / "net.c")
    assert found.answer is Answer.NOT_RUN
    assert "not what this version makes of the plan" in words(found, "code")
    assert "compiler" not in answers(found)


@pytest.mark.parametrize("told", [None, ".", "other.c"])
def test_a_plan_that_names_no_code_hides_no_change(told: str | None, tmp_path: Path) -> None:
    plan = compiled(tmp_path).plan
    (tmp_path / "net.c").write_text("int other;\n")
    record = record_of(plan)
    digest = import_module("hashlib").sha256(b"int other;\n").hexdigest()
    record["outputs"] = {"code": told, "header": None, "plan": None, "sha256": {"net.c": digest}}
    (tmp_path / "net.plan.json").write_text(json.dumps(record))
    found = hmcos.verify(tmp_path / "net.tflite", tmp_path / "net.c")
    assert found.answer is Answer.NOT_RUN
    assert "net.c: is not what this version makes" in words(found, "code")


def test_a_plan_of_an_arena_that_cannot_be_drawn_is_refused(tmp_path: Path) -> None:
    record = record_of(compiled(tmp_path).plan) | {"arena": 2**62}
    (tmp_path / "net.plan.json").write_text(json.dumps(record))
    with pytest.raises(PlanError, match="above the 1099511627776"):
        hmcos.draw(tmp_path / "net.plan.json", tmp_path / "rows.svg")


def test_a_plan_of_another_model_does_not_hold(tmp_path: Path) -> None:
    compiled(tmp_path / "a", 6)
    other = written(tmp_path / "b")
    found = hmcos.verify(other, tmp_path / "a" / "net.c")
    assert answers(found) == {"source": "does not hold"}


def test_no_compiler_is_not_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    compiled(tmp_path)
    model, place = str(tmp_path / "net.tflite"), str(tmp_path / "net.c")
    assert run(["verify", model, place, "--cc", "no-such-compiler"]) == 6
    assert "no C compiler: no-such-compiler" in capsys.readouterr().out


@needs_compiler
def test_a_compiler_that_fails_is_not_run(tmp_path: Path) -> None:
    compiled(tmp_path)
    broken = tmp_path / "broken-cc"
    broken.write_text("#!/bin/sh\necho 'error: no headers' >&2\nexit 1\n")
    broken.chmod(0o755)
    found = hmcos.verify(tmp_path / "net.tflite", tmp_path / "net.c", cc=str(broken))
    assert found.answer is Answer.NOT_RUN
    assert "a program of nothing" in words(found, "compiler")


@needs_compiler
def test_without_sanitizers_the_rest_still_holds(tmp_path: Path) -> None:
    compiled(tmp_path)
    plain = tmp_path / "plain-cc"
    plain.write_text(
        '#!/bin/sh\ncase "$*" in *-fsanitize*) echo "error: no sanitizers" >&2; exit 1;; esac\nexec cc "$@"\n'
    )
    plain.chmod(0o755)
    found = hmcos.verify(tmp_path / "net.tflite", tmp_path / "net.c", cc=str(plain))
    assert found.holds
    assert answers(found)["sanitizers"] == "not run"


@needs_compiler
def test_without_tflm_the_bits_are_those_of_litert(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    compiled(tmp_path, 6)  # without FULLY_CONNECTED
    monkeypatch.setattr(code, "is_installed", _never)
    found = hmcos.verify(tmp_path / "net.tflite", tmp_path / "net.c")
    assert found.holds
    assert "equal to LiteRT in every bit" in words(found, "outputs")


@needs_compiler
@needs_tflm
def test_other_bits_do_not_hold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    compiled(tmp_path)
    monkeypatch.setattr(code, "run", _other)
    found = hmcos.verify(tmp_path / "net.tflite", tmp_path / "net.c")
    assert found.answer is Answer.FAILS
    assert "an output differs from that of TFLM" in words(found, "outputs")


@needs_compiler
@needs_tflm
@pytest.mark.parametrize("other", [0, 1])
def test_a_cortex_m4_has_to_give_the_same_bits(
    other: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def emulated(program: object, made: object, given: list[bytes], allowance: object) -> Emulated:
        assert len(given) == len(outputs) == 2
        return Emulated((outputs[0], bytes([outputs[1][0] ^ other]) + outputs[1][1:]), 400)

    model = compiled(tmp_path, 6).opened.model
    assert model is not None
    outputs = reference(model, [random_inputs(model.graph, seed) for seed in range(2)])
    monkeypatch.setattr(code, "check_installed", lambda: None)
    monkeypatch.setattr(code, "built", _built)
    monkeypatch.setattr(code, "emulated", emulated)
    found = hmcos.verify(tmp_path / "net.tflite", tmp_path / "net.c")
    assert found.answer is (Answer.FAILS if other else Answer.HOLDS)
    wanted = "differs from that of TFLM for the inputs of seed 1" if other else "3,000 bytes of code"
    assert wanted in words(found, "Cortex-M4")


@needs_compiler
def test_without_an_emulator_the_rest_still_holds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(code, "check_installed", _not_installed)
    compiled(tmp_path)
    found = hmcos.verify(tmp_path / "net.tflite", tmp_path / "net.c")
    assert found.holds
    assert answers(found)["Cortex-M4"] == "not run"
    assert words(found, "Cortex-M4") == "not installed: zig; pip install it"


def _built(*_: object) -> Built:
    return Built(b"", 3000, 2000, 0)


def _not_installed() -> None:
    raise ToolError("not installed: zig; pip install it")


@needs_compiler
@pytest.mark.parametrize(("element", "answer"), [("int8", Answer.NOT_RUN), ("uint8", Answer.FAILS)])
def test_other_bits_of_litert_tell_of_networks_that_have_its_bits(
    element: str, answer: Answer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    grow = Grower(Random(5))
    content = grow.ended(fully_connected(grow, grow.fed([1, 4, 4, 2])))
    place = tmp_path / "net.tflite"
    place.write_bytes(unsigned(content, Random(5)) if element == "uint8" else content)
    hmcos.compile_c(place, output=tmp_path / "net.c", compares=False)
    monkeypatch.setattr(code, "is_installed", _never)
    assert hmcos.verify(place, tmp_path / "net.c").answer is not Answer.FAILS
    monkeypatch.setattr(code, "run", _other)
    found = hmcos.verify(place, tmp_path / "net.c")
    assert found.answer is answer
    assert ("reckons FULLY_CONNECTED in another way" in words(found, "outputs")) == (element == "int8")


@needs_compiler
def test_the_plan_alone_is_enough(tmp_path: Path) -> None:
    plan = compiled(tmp_path).plan
    for name in ("net.c", "net.h"):
        (tmp_path / name).unlink()
    for result in (tmp_path / "net.plan.json", plan):
        found = hmcos.verify(tmp_path / "net.tflite", result)
        assert found.holds
        assert "made again from the plan" in words(found, "code")


@needs_compiler
def test_the_plan_of_an_older_version_is_still_found(tmp_path: Path) -> None:
    compiled(tmp_path)
    (tmp_path / "net.plan.json").rename(tmp_path / "plan.json")
    assert hmcos.verify(tmp_path / "net.tflite", tmp_path / "net.c").holds


@needs_compiler
def test_two_networks_in_one_folder_are_one_program(tmp_path: Path) -> None:
    """They share the memory of the larger one, and each gives what it gives alone."""
    codes: list[hmcos.Compiled] = []
    for name, seed in (("eyes", 6), ("ears", 13)):
        model = written(tmp_path, seed).rename(tmp_path / f"{name}.tflite")
        codes.append(hmcos.compile_c(model, output=tmp_path / "both" / f"{name}.c", compares=False))
    for name in ("eyes", "ears"):
        assert hmcos.verify(tmp_path / f"{name}.tflite", tmp_path / "both" / f"{name}.c", runs=1).holds
    size = max(code.arena for code in codes)
    (tmp_path / "both" / "main.c").write_text(
        '#include "eyes.h"\n#include "ears.h"\n'
        f"static union {{ int8_t bytes[{size}]; int32_t aligned; }} arena;\n"
        "int main(void) { eyes_run_in(arena.bytes); ears_run_in(arena.bytes); return 0; }\n"
    )
    sources = [str(tmp_path / "both" / f"{name}.c") for name in ("main", "eyes", "ears")]
    alone = ("-DEYES_NO_ARENA", "-DEARS_NO_ARENA", "-Wall", "-Wextra", "-Werror")
    command = [os.environ.get("CC", "cc"), *alone, "-o", str(tmp_path / "main"), *sources]
    ended = run_program(command, b"", waits=300)
    assert ended.code == 0, ended.log
    assert run_program([str(tmp_path / "main")], b"", waits=60).code == 0


@pytest.mark.parametrize(
    ("name", "said"), [("gone.c", "does not exist"), ("alone/net.c", "no net.plan.json beside")]
)
def test_code_without_a_plan_is_one_line(name: str, said: str, tmp_path: Path) -> None:
    compiled(tmp_path)
    (tmp_path / "alone").mkdir()
    (tmp_path / "alone" / "net.c").write_text("")
    (tmp_path / "other.c").write_text("")
    (tmp_path / "other.plan.json").write_bytes((tmp_path / "net.plan.json").read_bytes())
    with pytest.raises(hmcos.HmcosError, match=said):
        hmcos.verify(tmp_path / "net.tflite", tmp_path / name)
    with pytest.raises(hmcos.HmcosError, match="is not of this file"):
        hmcos.verify(tmp_path / "net.tflite", tmp_path / "other.c")


@needs_compiler
def test_a_header_is_enough_to_use_it(tmp_path: Path) -> None:
    """What a user writes: include the header, link the code."""
    result = compiled(tmp_path)
    (tmp_path / "main.c").write_text(
        '#include "net.h"\n#include <string.h>\n'
        "int main(void) { memset(net_input(), 1, NET_INPUT_BYTES); net_run(); return net_output() == 0; }\n"
    )
    compiler = os.environ.get("CC", "cc")
    command = [compiler, "-o", str(tmp_path / "main"), str(tmp_path / "main.c"), str(tmp_path / "net.c")]
    assert run_program(command, b"", waits=300).code == 0
    assert run_program([str(tmp_path / "main")], b"", waits=60).code == 0
    assert result.arena > 0


def test_json_names_what_is_documented(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(["compile", str(written(tmp_path)), "--json"])
    keys = set(cast("dict[str, Any]", json.loads(capsys.readouterr().out)))
    page = (Path(__file__).parents[2] / "docs" / "json.md").read_text("utf-8")
    section = page.partition("## hmcos compile")[2].partition("\n## ")[0]
    assert section
    assert all(f"`{key}`" in section for key in keys)


@needs_compiler
def test_several_outputs_hold_when_the_input_comes_by_rows(tmp_path: Path) -> None:
    sketch = Sketch()
    sketch.subgraph()
    fed, made, last = (sketch.tensor([1, 4, 4, 2]) for _ in range(3))
    sketch.operator("RELU", [fed], [made])
    sketch.operator("RELU6", [made], [last])
    sketch.ports([fed], [made, last])
    model = tmp_path / "net.tflite"
    model.write_bytes(sketch.bytes())
    hmcos.compile_c(model, hmcos.Rows("rows"), output=tmp_path / "net.c", compares=False)
    found = hmcos.verify(model, tmp_path / "net.c")
    assert found.holds, found


def test_a_section_is_named_once(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["compile", "net.tflite", "--section", "ram=.a", "--section", "ram=.b"]) == 2
    assert "names the same memory twice" in capsys.readouterr().err
