"""TensorFlow Lite from end to end: planned, written, run on both runtimes, measured."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from struct import pack, unpack_from

import pytest
from click.testing import CliRunner

import hmcos
from hmcos.cli.commands import hmcos as command
from hmcos.errors import LimitError, NotRunError, OptionError, PlanError
from hmcos.frontends.loading import load
from hmcos.frontends.tflite.offsets import offsets_in
from hmcos.frontends.tflite.reading import parse
from hmcos.frontends.tflite.schema import content_of
from hmcos.frontends.tflite.writing import pack as packed
from hmcos.frontends.tflite.writing import rewritten
from hmcos.frontends.tflite.written_file import written
from hmcos.network.lowering import Network
from hmcos.plan.plan import Plan
from hmcos.runtimes.tflite.litert import Allowance, random_inputs, run
from hmcos.runtimes.tflite.tflm import room, tflm_arena
from hmcos.verify.checks import Answer
from tflite_models import NUMPY, S, Sketch, branches, conditional, loop

pytestmark = pytest.mark.slow

pytest.importorskip("tflite_micro")


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "branches.tflite"
    path.write_bytes(branches().bytes())
    return path


def trusting(plan: Plan) -> Plan:
    """Return a plan that does not know what its files were, so that all else about them is checked."""
    return replace(plan, outputs=replace(plan.outputs, sha256={}))


def test_the_least_arena_is_written_and_obeyed(model: Path, tmp_path: Path) -> None:
    plan = hmcos.schedule(model, output=tmp_path / "out")
    assert plan.target.name == "tflm"
    assert (plan.given_peak, plan.peak, plan.lower_bound) == (16 + 3 * 256, 304, 304)
    assert plan.arena is not None
    assert plan.arena.size == plan.peak
    found = hmcos.verify(model, plan)
    assert found.holds
    assert [check.name for check in found.checks][-5:] == [
        "written model",
        "offsets",
        "outputs in LiteRT",
        "outputs in TFLM",
        "arena in TFLM",
    ]
    assert "head 784 -> 304 bytes" in found.checks[-1].words


def test_offsets_can_be_left_out(model: Path, tmp_path: Path) -> None:
    hmcos.schedule(model, output=tmp_path / "out", offsets=False)
    assert offsets_in(parse((tmp_path / "out/branches.tflite").read_bytes())) is None


def test_planted_faults_are_found(model: Path, tmp_path: Path) -> None:
    plan = trusting(hmcos.schedule(model, output=tmp_path / "out"))
    result = tmp_path / "out/branches.tflite"
    good = result.read_bytes()
    offsets = written(model.read_bytes(), good).offsets or ()
    result.write_bytes(rewritten(good, {}, dict.fromkeys(range(len(offsets)), 0)))
    found = hmcos.verify(model, plan)
    assert [check.name for check in found.checks if not check.held] == ["offsets"]
    assert "overlaps" in found.checks[-1].words
    result.write_bytes(model.read_bytes())
    found = hmcos.verify(model, plan)
    assert [check.name for check in found.checks if not check.held] == ["written model"]


@pytest.mark.parametrize(("change", "message"), [(-16, "has the offset -16"), (2**20, "in the plan")])
def test_offsets_are_compared_with_the_plan(change: int, message: str, model: Path, tmp_path: Path) -> None:
    plan = trusting(hmcos.schedule(model, output=tmp_path / "out"))
    result = tmp_path / "out/branches.tflite"
    file = parse(result.read_bytes())
    entry = (file.metadata or [])[-1]
    words = [*unpack_from("<13i", content_of((file.buffers or [])[entry.buffer]))]
    words[3] = change
    (file.buffers or [])[entry.buffer].data = list(pack("<13i", *words))
    result.write_bytes(packed(file))
    found = hmcos.verify(model, plan)
    assert [check.name for check in found.checks if not check.held] == ["offsets"]
    assert message in found.checks[-1].words


@pytest.mark.parametrize("buffer", [0, 1])
def test_the_table_of_offsets_replaces_no_data(buffer: int, tmp_path: Path) -> None:
    sketch = branches()
    sketch.model.metadata = [S.MetadataT("OfflineMemoryAllocation", buffer)]
    path = tmp_path / "model.tflite"
    path.write_bytes(sketch.bytes())
    plan = hmcos.schedule(path, output=tmp_path / "out")
    assert hmcos.verify(path, plan).holds
    content = (tmp_path / "out/model.tflite").read_bytes()
    graph = load(path).graph
    assert tflm_arena(content, graph).head == plan.peak == 304
    fed = random_inputs(graph, 0)
    for engine in ("litert", "tflm"):
        made = run(engine, content, fed, room(content, graph)).outputs
        assert made[0].tobytes() == run(engine, branches().bytes(), fed, 1 << 20).outputs[0].tobytes()


def wide() -> Sketch:
    """Return tensors of 0.55 GB: four have to be in memory together, though operators have three at most."""
    sketch = Sketch()
    sketch.subgraph()
    fed, one, other, both, made = (sketch.tensor([1, 550_000_000]) for _ in range(5))
    for reads, makes in (((fed, fed), one), ((fed, fed), other), ((one, other), both), ((both, fed), made)):
        sketch.operator("ADD", [*reads], [makes])
    sketch.ports([fed], [made])
    return sketch


def test_offsets_beyond_32_bits_are_refused_before_the_search(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "wide.tflite"
    path.write_bytes(wide().bytes())

    def search(*_: object) -> None:
        raise AssertionError("the search began")

    with monkeypatch.context() as patched:
        patched.setattr(Network, "find", search)
        with pytest.raises(
            OptionError, match=r"wide.tflite: .* at least 2,200,000,000 bytes; use --no-offsets"
        ):
            hmcos.schedule(path, output=tmp_path / "out")
    assert not (tmp_path / "out").exists()
    assert hmcos.schedule(path, output=tmp_path / "out", offsets=False).peak == 2_200_000_000
    assert hmcos.schedule(path).arena is not None


def test_offsets_beyond_32_bits_are_refused_after_the_search(tmp_path: Path) -> None:
    sketch = Sketch()
    sketch.subgraph()
    fed, *wide = (sketch.tensor([1, size]) for size in (1, *[750_000_000] * 3))
    for t in wide:
        sketch.operator("ADD", [fed, fed], [t])
    small = [sketch.tensor([1, 1]) for _ in wide]
    for t, s in zip(wide, small, strict=True):
        sketch.operator("ADD", [t, t], [s])
    sketch.ports([fed], small)
    path = tmp_path / "wide.tflite"
    path.write_bytes(sketch.bytes())
    assert hmcos.schedule(path, output=tmp_path / "best").peak < 800_000_000
    with pytest.raises(OptionError, match=r"wide.tflite: .* its arena has 2,250,000,016 bytes; use --no-off"):
        hmcos.schedule(path, output=tmp_path / "out", scheduler="given")
    assert not (tmp_path / "out").exists()


def test_offsets_need_their_alignment(model: Path, tmp_path: Path) -> None:
    with pytest.raises(OptionError, match=r"multiples of 16 bytes, but the alignment is 1.*--no-offsets"):
        hmcos.schedule(model, target="none", output=tmp_path / "out")
    hmcos.schedule(model, target="none", output=tmp_path / "out", offsets=False)


def test_the_command_line_measures(model: Path) -> None:
    ended = CliRunner().invoke(command, ["measure", str(model), "--json"], standalone_mode=False)
    found = json.loads(ended.stdout)
    assert [row["form"] for row in found["arenas"]] == ["source", "order alone", "order and offsets"]
    assert [row["head"] for row in found["arenas"]][::2] == [784, 304]
    assert found["arenas"][2]["predicted_head"] == found["lower_bound"] == 304


def test_bodies_are_planned_as_scratch(tmp_path: Path) -> None:
    path = tmp_path / "if.tflite"
    path.write_bytes(conditional().bytes())
    plan = hmcos.schedule(path, output=tmp_path / "out")
    # Choice, input and output of the IF, and in its branch three tensors of 100 bytes.
    assert plan.peak == 16 + 2 * 112 + 3 * 112
    found = hmcos.verify(path, plan)
    assert found.holds
    assert f"head {plan.peak} -> {plan.peak} bytes" in found.checks[-1].words
    made = written(path.read_bytes(), (tmp_path / "out/if.tflite").read_bytes()).offsets or ()
    assert len(made) == 9
    assert min(made) >= 0


def test_bodies_of_a_loop_are_placed_beside_what_is_live(tmp_path: Path) -> None:
    path = tmp_path / "while.tflite"
    path.write_bytes(loop().bytes())
    plan = trusting(hmcos.schedule(path, output=tmp_path / "out"))
    found = hmcos.verify(path, plan)
    assert found.holds, found
    assert f"-> {plan.peak:,} bytes" in found.checks[-1].words
    result = tmp_path / "out/while.tflite"
    made = list(written(path.read_bytes(), result.read_bytes()).offsets or ())
    inner = next(i for i in range(len(made) - 1, 0, -1) if made[i] >= 0)
    result.write_bytes(rewritten(result.read_bytes(), {}, dict(enumerate(made)) | {inner: 0}))
    bad = hmcos.verify(path, plan)
    assert [check.name for check in bad.checks if not check.held] == ["offsets"]


def test_a_body_in_another_order_than_planned_is_named(tmp_path: Path) -> None:
    path = tmp_path / "while.tflite"
    path.write_bytes(loop().bytes())
    plan = trusting(hmcos.schedule(path, output=tmp_path / "out", offsets=False))
    planned = {body.path: body.order for body in plan.bodies}["node 1/body"]
    other = next(o for o in ((0, 1, 2), (1, 0, 2)) if o != planned)
    result = tmp_path / "out/while.tflite"
    result.write_bytes(rewritten(path.read_bytes(), {"": plan.order, "node 1/body": other}))
    bad = hmcos.verify(path, plan)
    assert [check.name for check in bad.checks if not check.held] == ["written model"]
    assert "node 1/body: step" in bad.checks[-1].words


def unknown() -> Sketch:
    """A custom operator, which no runtime has."""
    sketch = Sketch()
    sketch.subgraph()
    sketch.operator("Mystery", [sketch.tensor([1, 16])], [sketch.tensor([1, 16])])
    sketch.ports([0], [1])
    return sketch


def test_what_no_runtime_runs_is_not_proved(tmp_path: Path) -> None:
    path = tmp_path / "unknown.tflite"
    path.write_bytes(unknown().bytes())
    found = hmcos.verify(path, hmcos.schedule(path, output=tmp_path / "out"))
    assert found.answer == Answer.NOT_RUN
    open_ = [check.name for check in found.checks if not check.held]
    assert open_ == ["outputs in LiteRT", "outputs in TFLM", "same function", "arena in TFLM"]
    assert not any(check.failed for check in found.checks)


def chance() -> Sketch:
    """An output that is drawn, and one that is not."""
    sketch = Sketch()
    sketch.subgraph()
    fed, made = sketch.tensor([2], "FLOAT32"), sketch.tensor([2], "FLOAT32")
    size = sketch.tensor([1], "INT32", data=NUMPY.array([64], "int32"))
    drawn = sketch.tensor([64], "FLOAT32")
    sketch.operator("RANDOM_UNIFORM", [size], [drawn])
    sketch.operator("ADD", [fed, fed], [made])
    sketch.ports([fed], [drawn, made])
    return sketch


def test_random_operators_are_left_out_by_name(tmp_path: Path) -> None:
    path = tmp_path / "chance.tflite"
    path.write_bytes(chance().bytes())
    found = hmcos.verify(path, hmcos.schedule(path, output=tmp_path / "out"))
    assert found.holds, found
    words = {check.name: check.words for check in found.checks}["outputs in LiteRT"]
    assert "1 outputs equal in every bit" in words
    assert "left out what depends on the random RANDOM_UNIFORM 0" in words


def lookup(rows: int = 3) -> Sketch:
    """Rows of a table, by their number."""
    sketch = Sketch()
    sketch.subgraph()
    table = sketch.tensor([rows, 4], data=NUMPY.arange(4 * rows).astype("int8"))
    indices, made = sketch.tensor([50], "INT32"), sketch.tensor([50, 4])
    sketch.operator("GATHER", [table, indices], [made])
    sketch.ports([indices], [made])
    return sketch


def test_indices_stay_inside_what_they_index(tmp_path: Path) -> None:
    path = tmp_path / "lookup.tflite"
    path.write_bytes(lookup().bytes())
    assert set(random_inputs(load(path).graph, 0)[0]) == {0, 1, 2}
    found = hmcos.verify(path, hmcos.schedule(path, output=tmp_path / "out"))
    assert found.holds, found
    assert "equal in every bit" in {check.name: check.words for check in found.checks}["outputs in LiteRT"]


def test_own_inputs_are_used(tmp_path: Path) -> None:
    path, own = tmp_path / "lookup.tflite", tmp_path / "own.npy"
    path.write_bytes(lookup().bytes())
    plan = hmcos.schedule(path, output=tmp_path / "out")
    NUMPY.save(own, NUMPY.full([50], 99, "int32"))
    found = hmcos.verify(path, plan, inputs={"t1": own})
    assert "does not run" in {check.name: check.words for check in found.checks}["outputs in LiteRT"]
    NUMPY.save(own, NUMPY.full([50], 2, "int32"))
    assert hmcos.verify(path, plan, inputs={"t1": own}).holds
    with pytest.raises(OptionError, match="has no such input; it has t1"):
        hmcos.verify(path, plan, inputs={"t9": own})


def test_limits_hold_for_the_runtimes(tmp_path: Path) -> None:
    endless = loop()
    endless.model.subgraphs[2].operators[1].inputs = [0, 0]  # doubles the counter, which stays at 0
    content, path = endless.bytes(), tmp_path / "endless.tflite"
    path.write_bytes(content)
    fed = [NUMPY.zeros([1], "int32"), NUMPY.zeros([1, 40], "float32")]
    # On a busy machine the clock may say so first.
    with pytest.raises(
        LimitError, match=r"litert: (took more than 2 seconds of processor|did not end within)"
    ):
        run("litert", content, fed, allowance=Allowance(seconds=2))
    with pytest.raises(NotRunError, match="tflm: "):
        run("tflm", content, fed, 1 << 20, Allowance(memory=2**27))


def test_a_result_that_does_not_exist_is_wrong_input(model: Path, tmp_path: Path) -> None:
    with pytest.raises(
        PlanError, match=r"nothing\.tflite: does not exist or is not a file; name a plan.json or a reordered"
    ):
        hmcos.verify(model, tmp_path / "nothing.tflite")


@pytest.mark.parametrize("offsets", [(-4096,) + (-1,) * 9, (0,) * 10])
def test_wrong_offsets_of_the_source_are_no_measure(offsets: tuple[int, ...], tmp_path: Path) -> None:
    sketch = branches()
    sketch.model.buffers.append(S.BufferT(list(pack("<13i", 1, 0, 10, *offsets))))
    sketch.model.metadata = [S.MetadataT("OfflineMemoryAllocation", len(sketch.model.buffers) - 1)]
    path = tmp_path / "wrong.tflite"
    path.write_bytes(sketch.bytes())
    found = hmcos.verify(path, hmcos.schedule(path, output=tmp_path / "out"))
    assert found.holds, found
    words = {check.name: check.words for check in found.checks}
    assert words["outputs in TFLM"].startswith("1 outputs equal in every bit")
    assert ("without the source's own offsets" in words["arena in TFLM"]) == (offsets[0] < 0)


def test_inputs_are_fed_in_the_order_of_the_file(tmp_path: Path) -> None:
    sketch = lookup()
    rows, made = sketch.tensor([50, 4]), sketch.tensor([50, 4])
    sketch.operator("SUB", [2, rows], [made])
    options = sketch.model.subgraphs[0].operators[-1]
    options.builtinOptionsType, options.builtinOptions = S.BuiltinOptions.SubOptions, S.SubOptionsT()
    sketch.ports([rows, 1], [made])
    path = tmp_path / "lookup.tflite"
    path.write_bytes(sketch.bytes())
    assert load(path).graph.inputs == (rows, 1)
    found = hmcos.verify(path, hmcos.schedule(path, output=tmp_path / "out"))
    assert found.holds, found
