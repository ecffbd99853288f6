from __future__ import annotations

import re
from hashlib import sha256
from pathlib import Path
from random import Random
from typing import Any

import pytest
from onnx import TensorProto, helper

import hmcos
from hmcos.errors import HmcosError, ModelError, OptionError, OutputError
from hmcos.limits import Status
from int8_networks import random_network
from row_networks import compiled, record_of, written
from tflite_models import S, Sketch, conditional, one_operator, renamed


def names(folder: Path) -> list[str]:
    return sorted(place.name for place in folder.iterdir())


def test_code_header_plan_and_page_lie_side_by_side(tmp_path: Path) -> None:
    result = compiled(tmp_path)
    assert names(tmp_path) == ["net.c", "net.h", "net.html", "net.plan.json", "net.tflite"]
    assert (tmp_path / "net.c").read_text() == result.source
    assert (tmp_path / "net.h").read_text() == result.header
    digests = record_of(result.plan)["outputs"]["sha256"]
    assert digests == {
        name: sha256((tmp_path / name).read_bytes()).hexdigest() for name in ("net.c", "net.h")
    }
    assert hmcos.read_row_plan(tmp_path / "net.plan.json") == result.plan
    assert result.plan.source.relative == "net.tflite"


def test_figures_are_those_of_the_plan(tmp_path: Path) -> None:
    result = compiled(tmp_path)
    plan = result.plan
    assert (result.arena, result.peak, result.lower_bound) == (plan.arena, plan.peak, plan.lower_bound)
    assert plan.status is Status.OPTIMAL
    assert plan.is_proved is (plan.arena == plan.lower_bound)
    assert result.flash == plan.flash
    assert f"arena {plan.arena} B" in repr(result)
    assert "row steps" in repr(plan)
    assert result.answer(plan.arena) is Status.FITS
    assert result.answer(plan.lower_bound - 1) is Status.DOES_NOT_FIT


def test_nothing_is_written_unless_asked(tmp_path: Path) -> None:
    model = written(tmp_path)
    result = hmcos.compile_c(str(model), compares=False)
    assert names(tmp_path) == ["net.tflite"]
    assert (result.plan.file, result.plan.files.code) == (None, None)
    saved = result.write(tmp_path / "code" / "eyes.c")
    assert names(tmp_path / "code") == ["eyes.c", "eyes.plan.json", "net.h"]  # the code includes net.h
    assert hmcos.read_row_plan(saved.plan.file or "") == saved.plan


def test_a_budget_that_is_not_met_writes_nothing(tmp_path: Path) -> None:
    assert compiled(tmp_path / "below", budget=1).answer(1) is Status.DOES_NOT_FIT
    assert names(tmp_path / "below") == ["net.tflite"]
    compiled(tmp_path / "above", budget=10**6)
    assert "net.c" in names(tmp_path / "above")


def test_whole_operators_are_there_to_compare_with(tmp_path: Path) -> None:
    whole = hmcos.compile_c(written(tmp_path)).plan.whole
    assert whole is not None
    plan = hmcos.schedule(tmp_path / "net.tflite", target="tflm")
    assert (whole.given_peak, whole.peak, whole.lower_bound) == (plan.given_peak, plan.peak, plan.lower_bound)
    assert sum(size for _, size in whole.live) <= whole.peak


def test_names_and_sections_are_in_the_code(tmp_path: Path) -> None:
    result = compiled(tmp_path, name="eyes", flash_section=".rom", ram_section=".dtcm")
    assert "eyes_run" in result.header
    assert '#include "eyes.h"' in result.source
    assert all(f'section("{section}")' in result.source for section in (".rom", ".dtcm"))
    assert (tmp_path / "eyes.h").exists()
    assert hmcos.read_row_plan(tmp_path / "net.plan.json").sections == (".rom", ".dtcm")


def test_the_plan_says_whose_kernels_and_how_much_scratch(tmp_path: Path) -> None:
    plain, code = compiled(tmp_path / "a"), compiled(tmp_path / "b", kernels="cmsis-nn")
    assert (plain.plan.kernels, plain.plan.scratch, plain.plan.memory) == ("plain", {}, plain.arena)
    read = hmcos.read_row_plan(tmp_path / "b" / "net.plan.json")
    assert (read.kernels, read.scratch) == ("cmsis-nn", code.plan.scratch)
    assert "arm_nnfunctions.h" in code.source
    assert code.arena == plain.arena
    assert code.plan.memory == code.arena + max(code.plan.scratch.values())
    assert code.answer(code.plan.memory) is Status.FITS
    assert code.answer(code.plan.memory - 1) is not Status.FITS


def test_an_input_by_rows_needs_less_or_the_same(tmp_path: Path) -> None:
    whole, fed = compiled(tmp_path / "a").arena, compiled(tmp_path / "b", feeding="rows")
    assert fed.arena < whole
    assert "push_row" in fed.header
    assert fed.plan.by_rows


@pytest.mark.parametrize("alignment", [1, 4, 16])
def test_rows_are_aligned(alignment: int, tmp_path: Path) -> None:
    model = written(tmp_path)
    plan = hmcos.compile_c(model, hmcos.Rows(alignment=alignment), compares=False).plan
    inner = [each for each in plan.tensors if each.tensor not in (*plan.inputs, *plan.outputs)]
    assert inner
    assert all(offset < 0 or offset % alignment == 0 for each in inner for offset in each.offsets)
    assert plan.alignment % alignment == 0


def test_the_arena_begins_where_its_rows_need_it(tmp_path: Path) -> None:
    code = hmcos.compile_c(written(tmp_path), hmcos.Rows(alignment=64), compares=False)
    assert "#define NET_ARENA_ALIGNMENT 64" in code.header
    assert "HM_ALIGNED(NET_ARENA_ALIGNMENT) int8_t bytes[NET_ARENA_BYTES];" in code.source


def test_an_empty_name_is_no_name(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="is not a name in C"):
        hmcos.compile_c(written(tmp_path), name="", compares=False)


def test_names_of_tensors_stay_in_their_comments(tmp_path: Path) -> None:
    model = tmp_path / "net.tflite"
    sketch = renamed(_relu(0.5), lambda t: f"a/*{t}*/ int x; /*/")
    model.write_bytes(sketch.bytes())
    header = hmcos.compile_c(model, compares=False).header
    begun = re.sub(r"/\*.*?\*/", "", header, flags=re.DOTALL)
    assert "int x" not in begun
    assert not re.search(r"/\*(?:(?!\*/).)*/\*", header, re.DOTALL)


def _onnx(folder: Path, batch: int | str) -> Path:
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        [helper.make_node("Relu", ["x"], ["y"])],
        "net",
        [value("x", TensorProto.FLOAT, [batch, 4])],
        [value("y", TensorProto.FLOAT, [batch, 4])],
    )
    place = folder / f"{batch}.onnx"
    place.write_bytes(helper.make_model(graph).SerializeToString())
    return place


def _scaled(scale: float, zero: int = 0, *, outputs: int = 1, rows: int = 4) -> bytes:
    return _relu(scale, zero, outputs=outputs, rows=rows).bytes()


def _relu(scale: float, zero: int = 0, *, outputs: int = 1, rows: int = 4) -> Sketch:
    """Return a RELU of an image with such a scale."""
    sketch = Sketch()
    sketch.subgraph()
    by = S.QuantizationParametersT(scale=[scale], zeroPoint=[zero])
    fed, made = sketch.tensor([1, rows, 4, 1], quantization=by), sketch.tensor([1, rows, 4, 1])
    sketch.operator("RELU", [fed], [made])
    sketch.ports([fed], [made] * outputs)
    return sketch


def dynamic() -> Sketch:
    """Return an operator on as many rows as the caller has."""
    sketch = one_operator("ADD", "INT8", [1, 4, 4, 3])
    for tensor in sketch.model.subgraphs[0].tensors:
        tensor.shapeSignature = [1, -1, 4, 3]
    return sketch


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (lambda: one_operator("ADD", "FLOAT32", [1, 4, 4, 3]).bytes(), "only models quantized to int8"),
        (lambda: one_operator("ADD", "INT16", [1, 4, 4, 3]).bytes(), "computes on int16"),
        (lambda: one_operator("UNIQUE", "INT8", [1, 4, 4, 3]).bytes(), "cannot be run row by row yet"),
        (
            lambda: one_operator("MadeUp", "INT8", [1, 4, 4, 3]).bytes(),
            r"operator 0 \(MadeUp .* row by row yet",
        ),
        (lambda: dynamic().bytes(), "bind the free symbols t0:1 with --bind"),
        (lambda: conditional().bytes(), "only a single graph"),
        (lambda: random_network(Random(3), 6)[:400], "damaged or truncated"),
        (lambda: b"", "net.tflite"),
        (lambda: _scaled(float("nan")), "has a scale of nan"),
        (lambda: _scaled(float("inf")), "has a scale of inf"),
        (lambda: _scaled(3e38), "scales that are zero or too far apart"),
        (lambda: _scaled(1e20), "scales that are zero or too far apart"),
        (lambda: _scaled(0.5, 2**40), "the zero point 1099511627776"),
        (lambda: _scaled(0.5, outputs=0), "has no output"),
        (lambda: _scaled(0.5, rows=2**18), "more than the 262,144 that can be ordered"),
    ],
)
def test_what_cannot_be_compiled_is_one_line(content: Any, words: str, tmp_path: Path) -> None:
    (tmp_path / "net.tflite").write_bytes(content())
    with pytest.raises(ModelError, match=words) as caught:
        hmcos.compile_c(tmp_path / "net.tflite", output=tmp_path / "out" / "net.c")
    assert "\n" not in str(caught.value)
    assert str(tmp_path / "net.tflite") in str(caught.value)
    assert names(tmp_path) == ["net.tflite"]


def test_other_formats_are_refused_before_they_are_read(tmp_path: Path) -> None:
    problem = hmcos.lower("zoo:mobilenet-v2")
    loaded = hmcos.load(str(_onnx(tmp_path, 1)))
    for other in (_onnx(tmp_path, "batch"), "zoo:mobilenet-v2", "x.json", problem, loaded):
        with pytest.raises(ModelError, match=r"only \.tflite models can be compiled"):
            hmcos.compile_c(other)
    with pytest.raises(ModelError, match="names no known format"):
        hmcos.compile_c("net.txt")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"name": "3d"}, "not a name in C"),
        ({"name": "int"}, "not a name in C"),
        ({"kernels": "fast"}, "kernels are plain or cmsis-nn, not 'fast'"),
        ({"flash_section": "a b"}, "not the name of a section"),
        ({"time_limit": -1}, "a time limit is at least 0"),
        ({"rows": hmcos.Rows("columns")}, "an input comes whole or by rows"),  # pyright: ignore[reportArgumentType]
        ({"rows": hmcos.Rows(alignment=3)}, "a power of 2"),
    ],
)
def test_wrong_options_are_one_line(options: dict[str, Any], words: str, tmp_path: Path) -> None:
    with pytest.raises(OptionError, match=words):
        hmcos.compile_c(written(tmp_path), output=tmp_path / "net.c", **options)
    assert names(tmp_path) == ["net.tflite"]


def test_places_that_are_taken_are_refused(tmp_path: Path) -> None:
    model = written(tmp_path)
    (tmp_path / "net.plan.json").write_text("{}")
    (tmp_path / "own.c").write_text("int main(void) { return 0; }\n")
    (tmp_path / "folder.c").mkdir()
    for place, words in (
        (model, "name the C file"),
        (tmp_path / "net.c", "not a plan that hmcos can read"),
        (tmp_path / "own.c", "own.c: was not made by hmcos"),
        (tmp_path / "folder.c", "is a folder"),
        (model / "net.c", "is a file"),
    ):
        with pytest.raises(OutputError, match=words):
            hmcos.compile_c(model, output=place)
    assert names(tmp_path) == ["folder.c", "net.plan.json", "net.tflite", "own.c"]


def test_the_plan_of_another_model_is_only_replaced_on_demand(tmp_path: Path) -> None:
    compiled(tmp_path / "a", 6)
    other = written(tmp_path / "b")
    with pytest.raises(OutputError, match="holds the plan of another source"):
        hmcos.compile_c(other, output=tmp_path / "a" / "net.c", compares=False)
    result = hmcos.compile_c(other, output=tmp_path / "a" / "net.c", overwrite=True, compares=False)
    assert hmcos.read_row_plan(tmp_path / "a" / "net.plan.json") == result.plan
    compiled(tmp_path / "a", 6, overwrite=True)  # and its own again


def test_a_folder_holds_the_code_of_several_models(tmp_path: Path) -> None:
    first, second = compiled(tmp_path / "a", 6), compiled(tmp_path / "b", 13)
    for given, stem in ((first, "eyes"), (second, "ears")):
        code = hmcos.compile_c(given.opened.path or "", output=tmp_path / f"{stem}.c", compares=False)
        assert code.plan.files.plan == str(tmp_path / f"{stem}.plan.json")
    found = [f"{stem}{end}" for stem in ("ears", "eyes") for end in (".c", ".h", ".html", ".plan.json")]
    assert names(tmp_path) == ["a", "b", *found]
    hmcos.schedule(str(tmp_path / "a" / "net.tflite"), output=tmp_path)  # whose plan is plan.json


def test_a_header_of_other_code_is_only_replaced_on_demand(tmp_path: Path) -> None:
    compiled(tmp_path, 6)
    with pytest.raises(OutputError, match=r"net\.h: belongs to the code of net\.plan\.json.*--name"):
        hmcos.compile_c(tmp_path / "net.tflite", output=tmp_path / "other.c", name="net", compares=False)
    assert "other.c" not in names(tmp_path)
    hmcos.compile_c(
        tmp_path / "net.tflite", output=tmp_path / "other.c", name="net", compares=False, overwrite=True
    )


def test_plans_of_older_versions_protect_their_code_too(tmp_path: Path) -> None:
    compiled(tmp_path / "a", 6)
    other = written(tmp_path / "b")
    (tmp_path / "a" / "net.plan.json").rename(tmp_path / "a" / "plan.json")
    with pytest.raises(OutputError, match="holds the plan of another source"):
        hmcos.compile_c(other, output=tmp_path / "a" / "net.c", compares=False)
    compiled(tmp_path / "a", 6)
    assert {"plan.json", "net.plan.json"} <= set(names(tmp_path / "a"))


def test_an_interrupted_search_still_gives_code(tmp_path: Path) -> None:
    result = compiled(tmp_path, 6, interrupted=lambda: True)
    assert result.plan.status in (Status.INTERRUPTED, Status.OPTIMAL)
    assert result.lower_bound <= result.peak <= result.arena


def test_code_is_the_same_every_time(tmp_path: Path) -> None:
    first, second = compiled(tmp_path / "a", 13), compiled(tmp_path / "b", 13)
    assert (first.source, first.header) == (second.source, second.header)


def test_a_page_of_another_program_stays(tmp_path: Path) -> None:
    tmp_path.joinpath("net.html").write_text("mine")
    compiled(tmp_path)
    assert tmp_path.joinpath("net.html").read_text() == "mine"


def test_errors_are_of_one_tree() -> None:
    with pytest.raises(HmcosError):
        hmcos.compile_c("missing.tflite")


def test_open_dimensions_are_bound_and_the_plan_says_so(tmp_path: Path) -> None:
    path = tmp_path / "net.tflite"
    path.write_bytes(dynamic().bytes())
    made = hmcos.compile_c(path, bind={"t0:1": 7}, output=tmp_path / "net.c", compares=False)
    assert made.plan.source.bind == {"t0:1": 7}
    assert hmcos.verify(path, tmp_path / "net.c").holds
