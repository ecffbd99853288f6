"""Wrong models: one line that names the file, the thing, and the way out."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from onnx import ModelProto, TensorProto, helper

from hmcos.errors import HmcosError, ModelError, OptionError
from hmcos.frontends.onnx import load
from onnx_models import (
    FLOAT,
    INT64,
    branches,
    chain,
    diamond,
    external_diamond,
    graph,
    loop,
    model,
    node,
    value,
    weight,
)


def refusal(source: object, bind: dict[str, int] | None = None) -> str:
    with pytest.raises(HmcosError) as caught:
        load(source, bind)  # pyright: ignore[reportArgumentType]
    message = str(caught.value)
    assert "\n" not in message
    return message


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"this is text, no model at all\n" * 9, "is not an ONNX model"),
        (diamond().SerializeToString()[:-40], "is truncated"),
        (ModelProto(ir_version=8, producer_name="nobody").SerializeToString(), "holds no graph"),
    ],
)
def test_files_that_are_no_model(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(content)
    assert refusal(path).startswith(f"{path}: ")
    assert message in refusal(path)


def test_missing_files_and_directories(tmp_path: Path) -> None:
    assert "does not exist" in refusal(tmp_path / "none.onnx")
    assert "is a directory" in refusal(tmp_path)
    assert "neither a path nor" in refusal(7)


def test_a_file_beyond_protobuf_is_not_even_opened(tmp_path: Path) -> None:
    path = tmp_path / "huge.onnx"
    with path.open("wb") as file:
        file.truncate(2**31)
    assert "larger than 2 GB" in refusal(path)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission(tmp_path: Path) -> None:
    path = tmp_path / "secret.onnx"
    path.write_bytes(diamond().SerializeToString())
    path.chmod(0)
    assert "cannot be read" in refusal(path)


def spoiled(change: Callable[[ModelProto], object]) -> ModelProto:
    made = diamond()
    change(made)
    return made


SPOILS: list[tuple[Callable[[ModelProto], object], str]] = [
    (
        lambda m: m.graph.node[4].input.append("ghost"),
        "operator 4 (Add 'e') reads tensor 'ghost', but no",
    ),
    (
        lambda m: m.graph.node[3].output.__setitem__(0, "c"),
        "'c' is made twice, by operator 2 (Neg 'c') and",
    ),
    (lambda m: m.graph.node[0].input.__setitem__(0, "e"), "form a cycle: operator"),
    (lambda m: m.graph.output.append(value("q", [1])), "output 'q' has no producer"),
    (lambda m: m.graph.output.append(value("")), "a graph output has no name"),
    (lambda m: m.graph.input.append(value("")), "a graph input has no name"),
    (lambda m: m.graph.input.append(value("x", [2])), "input 'x' is listed twice"),
    (lambda m: m.graph.initializer.append(weight("w", 1)), "parameter 'w' is defined twice"),
    (lambda m: m.graph.initializer.append(weight("", 1)), "a parameter has no name"),
    (lambda m: m.graph.initializer[0].dims.__setitem__(0, -4), "parameter 'w' has a negative size"),
    (lambda m: m.graph.input[0].CopyFrom(value("x", [-2, 4])), "input 'x' has a negative size"),
    (lambda m: m.graph.input[0].CopyFrom(value("x", [2**40, 2**40])), "tensor 'x' has an absurd shape"),
    (lambda m: m.graph.input[0].CopyFrom(value("x", [2, 4], 99)), "tensor 'x' has element type 99"),
    (lambda m: m.graph.node[2].ClearField("op_type"), "operator 2 ( 'c') has no operator type"),
    (lambda m: m.graph.sparse_initializer.add(), "a parameter has no name"),
]


@pytest.mark.parametrize(("change", "message"), SPOILS)
def test_ill_formed_graphs(change: Callable[[ModelProto], object], message: str) -> None:
    assert message in refusal(spoiled(change))


def test_sequences_and_optionals_of_unknown_parts_are_named() -> None:
    nodes = [node("SplitToSequence", "x sizes", "parts"), node("SequenceLength", "parts", "n")]
    made = model(graph(nodes, [value("x", [3]), value("sizes", [], INT64)], [value("n")]))
    assert (
        "sizes are unknown: 'parts' (a sequence of unknown parts) of operator 0 (SplitToSequence)"
        in refusal(made)
    )
    made.graph.input.add(name="maybe").type.optional_type.elem_type.tensor_type.elem_type = FLOAT
    assert "'maybe' (an optional of unknown parts)" in refusal(made)


def test_free_symbols_are_listed_with_the_way_out() -> None:
    message = refusal(chain(["batch", "16*width"], 5))
    assert (
        "sizes are unknown: input 'x' [batch,16*width], 't0' [batch,16*width] of operator 0 (Relu 'n0')"
        in message
    )
    assert "and 3 more; bind the free symbols batch, width with --bind NAME=VALUE" in message
    assert "bind the free symbols x:1 with --bind NAME=VALUE" in refusal(chain([2, None]))
    assert "bind the free symbols width with" in refusal(chain(["batch", "width"]), {"batch": 1})


def test_custom_operators_without_shapes_are_listed() -> None:
    made = model(graph([node("acme::Fold", "x", "y")], [value("x", [3])], [value("y")]), domains={"acme": 1})
    assert "'y' (no element type) of operator 0 (Fold)" in refusal(made)


def test_a_loop_that_grows_what_it_carries_has_no_size() -> None:
    inside = graph(
        [node("Concat", "carried carried", "more", axis=0), node("Identity", "going", "on")],
        [value("step"), value("going"), value("carried")],
        [value("on"), value("more")],
    )
    made = graph(
        [node("Loop", "trips go x", "y", body=inside)],
        [value("x", [2]), value("trips", [], TensorProto.INT64), value("go", [], TensorProto.BOOL)],
        [value("y")],
    )
    assert "in node 0/body: input 'carried' (no shape)" in refusal(model(made))


def test_bind_must_name_a_symbol_and_a_positive_integer() -> None:
    made = chain(["batch", "w/2"])
    assert "no dimension 'bath' to bind; its symbols are batch, w" in refusal(made, {"bath": 1})
    assert "it has no symbolic dimensions" in refusal(chain(), {"batch": 1})
    for size in (0, -1, True, 2**63):
        with pytest.raises(OptionError, match="'batch' must be bound to a positive integer"):
            load(made, {"batch": size})
    assert load(chain(["w/2"]), {"w": 6}).graph.tensors[0].shape == (3,)
    assert "sizes are unknown: input 'x' [w/2]" in refusal(chain(["w/2"]), {"w": 7})


def test_faults_inside_bodies_are_named_with_their_path() -> None:
    made = branches()
    then = next(a.g for a in made.graph.node[1].attribute if a.name == "then_branch")
    then.node[3].input[1] = "ghost"
    assert "in node 1/then_branch: operator 3 (Add) reads tensor 'ghost'" in refusal(made)


def test_bodies_may_not_be_nested_too_deeply() -> None:
    inside = graph([node("Neg", "x", "y")], [], [value("y")])
    for _ in range(26):
        inside = graph([node("If", "flag", "y", then_branch=inside, else_branch=inside)], [], [value("y")])
        del inside.node[0].attribute[1]
    made = graph([node("If", "flag", "y", then_branch=inside)], [value("flag", [], 9)], [value("y")])
    assert "nested more than 24 deep" in refusal(model(made))


def test_two_bodies_of_one_name_are_refused() -> None:
    made = branches()
    made.graph.node[1].attribute.append(made.graph.node[1].attribute[0])
    assert "two of its bodies have the same name" in refusal(made)


def test_few_functions_that_mean_billions_of_nodes_are_refused() -> None:
    imports = [helper.make_opsetid("", 17), helper.make_opsetid("local", 1)]
    functions = [helper.make_function("local", "F0", ["a"], ["b"], [node("Relu", "a", "b")], imports)]
    for number in range(32):
        inside = [node(f"local::F{number}", "a", "t"), node(f"local::F{number}", "t", "b")]
        functions.append(helper.make_function("local", f"F{number + 1}", ["a"], ["b"], inside, imports))
    made = graph([node("local::F32", "x", "y")], [value("x", [4])], [value("y", [4])])
    assert "more than 1,048,576 nodes" in refusal(model(made, domains={"local": 1}, functions=functions))


def test_few_functions_that_mean_gigabytes_of_constants_are_refused() -> None:
    imports = [helper.make_opsetid("", 17), helper.make_opsetid("local", 1)]
    heavy = node("Constant", "", "b", value=weight("", [[1.0] * 1000] * 100))
    functions = [helper.make_function("local", "F0", [], ["b"], [heavy], imports)]
    for number in range(13):
        inside = [node(f"local::F{number}", "", "t"), node(f"local::F{number}", "", "b")]
        functions.append(helper.make_function("local", f"F{number + 1}", [], ["b"], inside, imports))
    made = graph([node("local::F13", "", "y")], [], [value("y", [100, 1000])])
    assert "more than 2 GB" in refusal(model(made, domains={"local": 1}, functions=functions))


def test_functions_that_call_themselves_are_refused() -> None:
    again = helper.make_function(
        "local", "Again", ["a"], ["b"], [node("local::Again", "a", "b")], [helper.make_opsetid("local", 1)]
    )
    made = graph([node("local::Again", "x", "y")], [value("x", [3])], [value("y", [3])])
    assert "functions cannot be inlined" in refusal(model(made, domains={"local": 1}, functions=[again]))


@pytest.mark.parametrize(
    ("location", "message"),
    [
        ("../weights.bin", "outside the folder"),
        ("/etc/passwd", "outside the folder"),
        ("sub/../../weights.bin", "outside the folder"),
        ("..\\weights.bin", "outside the folder"),
        ("C:\\weights.bin", "outside the folder"),
        ("", "names no file"),
        (".", "names no file"),
        ("a\0b", "names no file"),
    ],
)
def test_external_data_stays_in_the_folder(location: str, message: str) -> None:
    made = diamond()
    made.graph.initializer[0].data_location = TensorProto.EXTERNAL
    made.graph.initializer[0].external_data.add(key="location", value=location)
    assert message in refusal(made)


def test_external_data_may_not_leave_through_a_link(tmp_path: Path) -> None:
    made = diamond()
    made.graph.initializer[0].data_location = TensorProto.EXTERNAL
    made.graph.initializer[0].external_data.add(key="location", value="weights.bin")
    (tmp_path / "home").mkdir()
    path = tmp_path / "home" / "model.onnx"
    path.write_bytes(made.SerializeToString())
    (tmp_path / "home" / "weights.bin").symlink_to(tmp_path / "elsewhere.bin")
    assert "is a link out of the model's folder" in refusal(path)


@pytest.mark.skipif(sys.platform in {"win32", "darwin"}, reason="names of files are Unicode in any locale")
def test_names_of_data_files_that_the_locale_cannot_spell_are_told(tmp_path: Path) -> None:
    path = external_diamond(tmp_path, "w\u00e8ights.bin", written=False)
    found = subprocess.run(
        [sys.executable, "-m", "hmcos", "inspect", str(path)],
        env=os.environ | {"PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "LC_ALL": "C"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.returncode == 1
    assert found.stderr.startswith(f"hmcos: error: {path}: data file")
    assert found.stderr.count("\n") == 1
    assert "PYTHONUTF8=1" in found.stderr


class Bytes:
    """Any bytes in the guise of a model."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def SerializeToString(self) -> bytes:  # noqa: N802 (protobuf's spelling)
        return self._content


def test_damaged_models_are_read_or_refused_but_never_worse() -> None:
    chance = random.Random(20)
    sources = [made.SerializeToString() for made in (diamond(), loop(), branches())]
    outcomes = {True: 0, False: 0}
    for _ in range(1500):
        content = bytearray(chance.choice(sources))
        for _ in range(chance.randint(1, 3)):
            content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
        try:
            load(Bytes(bytes(content)))
            outcomes[True] += 1
        except ModelError as error:
            assert "\n" not in str(error)
            outcomes[False] += 1
    assert min(outcomes.values()) > 100


def test_what_would_crash_or_stall_inference_is_kept_from_it() -> None:
    trace = graph([node("Einsum", "x", "y", equation="...ii -> ...i")], [value("x", [3, 2, 2])], [value("y")])
    assert load(model(trace)).graph.tensors[1].shape == (3, 2)
    eye = graph([node("EyeLike", "ghost", "y", dtype=1)], [], [value("y", [2])])
    assert "reads tensor 'ghost'" in refusal(model(eye))
    for equation in (b"...i\x80->...i", b"ij(-> ij", b"..i->i", b"ij->i->j"):
        made = graph([node("Einsum", "x", "y", equation=equation)], [value("x", [2, 2])], [value("y")])
        assert "sizes are unknown: 'y'" in refusal(model(made))
    fill = graph(
        [node("Shape", "x", "s"), node("ConstantOfShape", "s", "y")], [value("x", [2**45])], [value("y")]
    )
    assert load(model(fill)).graph.tensors[0].size == 2**47


def test_a_split_into_another_number_of_parts_does_not_end_the_process() -> None:
    made = graph([node("Split", "x", "a", axis=0, num_outputs=3)], [value("x", [6])], [value("a")])
    assert "'a' (no element type)" in refusal(model(made, opset=18))


def test_errors_stay_short_however_long_shapes_and_names_are() -> None:
    inputs = [value("x", [1] * 10_000), value("p", [20_000], INT64)]
    made = graph([node("Pad", "x p", "y" * 10_000)], inputs, [])
    assert len(refusal(model(made))) < 1_100


def test_dimensions_that_mean_numbers_beyond_64_bits_are_refused() -> None:
    product = "*".join(["9999999999"] * 20)
    made = graph([node("Relu", "x", "y")], [value("x", [product])], [value("y")])
    assert "tensor 'x' has an absurd shape" in refusal(model(made))
    made = graph([node("Relu", "x", "y")], [value("x", ["n * n * n"])], [value("y")])
    assert "tensor 'x' has an absurd shape" in refusal(model(made), {"n": 2**40})


def test_attributes_that_mean_negative_sizes_are_refused() -> None:
    widths = {"num_heads": 3, "qkv_hidden_sizes": [1, 2, -7]}
    nodes = [node("com.microsoft::Attention", "x w", "y", **widths)]
    made = graph(nodes, [value("x", [1, 2, 4]), value("w", [4, 9])], [value("y")])
    assert "sizes are unknown: 'y'" in refusal(model(made, domains={"com.microsoft": 1}))
