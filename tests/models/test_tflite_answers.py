"""What no runtime runs says nothing about a TensorFlow Lite plan; what is wrong is found all the same."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

import hmcos
from hmcos.__main__ import run
from hmcos.errors import LimitError
from hmcos.frontends.loading import load, ranges
from hmcos.frontends.tflite import schema
from hmcos.frontends.tflite.format import TFLITE
from hmcos.frontends.tflite.writing import rewritten
from hmcos.frontends.tflite.written_file import written
from hmcos.runtimes.tflite import litert as tflite
from hmcos.runtimes.tflite.litert import ModelRun, random_inputs
from hmcos.tasks.verify import tflite_trial
from hmcos.tasks.verify.run_options import Running
from hmcos.tasks.verify.tflite_runs import outputs_checks
from hmcos.tasks.verify.tflite_trial import TfliteTrial
from hmcos.verify.checks import Answer, Verification
from tflite_models import NUMPY, Sketch, branches

pytestmark = pytest.mark.slow

pytest.importorskip("tflite_micro")


def mystery() -> Sketch:
    """A custom operator, which no runtime has, and branches whose order matters."""
    sketch = branches()
    sketch.model.subgraphs[0].operators[-1].opcodeIndex = sketch.code("Mystery")
    sketch.model.subgraphs[0].operators[-1].builtinOptions = None
    sketch.model.subgraphs[0].operators[-1].builtinOptionsType = 0
    return sketch


def saved(sketch: Sketch, folder: Path) -> Path:
    path = folder / "model.tflite"
    path.write_bytes(sketch.bytes())
    return path


def names(found: Verification, answer: Answer) -> list[str]:
    return [check.name for check in found.checks if check.answer == answer]


def test_a_custom_operator_is_not_run(tmp_path: Path) -> None:
    path = saved(mystery(), tmp_path)
    found = hmcos.verify(path, hmcos.schedule(path, output=tmp_path / "out"))
    assert found.answer == Answer.NOT_RUN
    assert names(found, Answer.FAILS) == []
    counted = ["source", "files", "target", "order", "memory", "arena", "written model", "offsets"]
    assert names(found, Answer.HOLDS) == counted
    assert run(["verify", str(path), str(tmp_path / "out" / "plan.json")]) == 6


def weights(content: bytes) -> bytes:
    """The weights count up."""
    assert bytes(range(1, 99)) in content
    return content.replace(bytes(range(1, 99)), bytes(98))


def order(content: bytes) -> bytes:
    return rewritten(content, {"": (*range(1, 7), 0)})


def offsets(content: bytes) -> bytes:
    made = written(content, content).offsets or ()
    return rewritten(content, {}, {t: 0 for t, offset in enumerate(made) if offset >= 0})


@pytest.mark.parametrize(
    ("change", "check"), [(weights, "written model"), (order, "written model"), (offsets, "offsets")]
)
@pytest.mark.parametrize("network", [mystery, branches])
def test_faults_are_found_with_or_without_running(
    network: Callable[[], Sketch], change: Callable[[bytes], bytes], check: str, tmp_path: Path
) -> None:
    path = saved(network(), tmp_path)
    hmcos.schedule(path, output=tmp_path / "out")
    result = tmp_path / "out" / "model.tflite"
    result.write_bytes(change(result.read_bytes()))
    found = hmcos.verify(path, result)
    assert (found.answer, names(found, Answer.FAILS)) == (Answer.FAILS, [check])


def without(*modules: str) -> Callable[[str], object]:
    return lambda name: None if name in modules else SimpleNamespace(name=name)


def test_a_runtime_that_is_not_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = saved(branches(), tmp_path)
    plan = hmcos.schedule(path, output=tmp_path / "out")
    monkeypatch.setattr(tflite, "find_spec", without("tflite_micro"))
    found = hmcos.verify(path, plan)
    assert found.holds
    assert names(found, Answer.NOT_RUN) == ["outputs in TFLM", "arena in TFLM"]
    assert all("pip install 'hmcos[tflite-check]'" in check.words for check in found.checks if not check.held)
    monkeypatch.setattr(tflite, "find_spec", without("tflite_micro", "ai_edge_litert"))
    found = hmcos.verify(path, plan)
    assert found.answer == Answer.NOT_RUN
    assert "same function" in names(found, Answer.NOT_RUN)


def test_what_reads_the_model_is_not_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = saved(branches(), tmp_path)
    plan = hmcos.schedule(path, output=tmp_path / "out")

    def missing(name: str) -> object:
        raise ImportError(name)

    schema.schema.cache_clear()
    monkeypatch.setattr(schema, "import_module", missing)
    found = hmcos.verify(path, plan)
    monkeypatch.undo()
    assert (found.answer, names(found, Answer.NOT_RUN)) == (Answer.NOT_RUN, ["source"])
    assert "pip install 'hmcos[tflite]'" in found.checks[0].words


def trial_of(path: Path, memory: int = 16 << 30) -> TfliteTrial:
    assert TFLITE.offsets is not None
    return TfliteTrial(load(path), TFLITE.offsets, Running(runs=1, memory=memory), {})


def trial(folder: Path, memory: int = 16 << 30) -> TfliteTrial:
    return trial_of(saved(branches(), folder), memory)


def answers(trial: TfliteTrial, result: bytes) -> dict[str, Answer]:
    return {check.name: check.answer for check in outputs_checks(trial, result)}


def test_other_bits_fail_in_both_runtimes(tmp_path: Path) -> None:
    """The weights differ, and nothing is compared before."""
    found = trial(tmp_path)
    assert set(answers(found, found.source).values()) == {Answer.HOLDS}
    expected = {"outputs in LiteRT": Answer.FAILS, "outputs in TFLM": Answer.FAILS}
    assert answers(found, weights(found.source)) == expected


def test_a_result_that_a_runtime_refuses_fails_though_the_source_runs(tmp_path: Path) -> None:
    found = trial(tmp_path)
    checks = outputs_checks(found, mystery().bytes())
    assert [check.answer for check in checks] == [Answer.FAILS, Answer.FAILS]
    assert all(
        check.words.startswith("the source runs, but not the result: ") and "refuses the model" in check.words
        for check in checks
    )


def test_limits_say_nothing_about_the_result(tmp_path: Path) -> None:
    found = trial(tmp_path, memory=2**27)
    checks = outputs_checks(found, found.source)
    assert {check.answer for check in checks} == {Answer.NOT_RUN}
    assert "raise --time-limit or --memory-limit" in checks[0].words


def test_inputs_larger_than_the_memory_are_not_drawn(tmp_path: Path) -> None:
    sketch = Sketch()
    sketch.subgraph()
    fed, made = sketch.tensor([1 << 20, 1 << 20]), sketch.tensor([1 << 20, 1 << 20])
    sketch.operator("RELU", [fed], [made])
    sketch.ports([fed], [made])
    trial = trial_of(saved(sketch, tmp_path))
    with pytest.raises(
        LimitError, match=r"the inputs have 1,099,511,627,776 bytes, more than --memory-limit"
    ):
        trial.inputs(0)
    assert set(answers(trial, b"").values()) == {Answer.NOT_RUN}


def test_a_source_that_differs_from_itself_excuses_the_result(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    count = iter(range(100))

    def noisy(*_arguments: object) -> ModelRun:
        return ModelRun((NUMPY.array([next(count)]),), "")

    found = trial(tmp_path)
    monkeypatch.setattr(tflite_trial, "run", noisy)
    checks = outputs_checks(found, b"")
    assert {check.answer for check in checks} == {Answer.NOT_RUN}
    assert checks[0].words == "output 't7' of the source differs from run to run"


def test_wrong_offsets_of_the_source_do_not_excuse_the_result(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With them the source makes other bits than without, which is no reason to trust none of its bits."""

    def content_decides(_engine: str, content: bytes, *_arguments: object) -> ModelRun:
        return ModelRun((NUMPY.frombuffer(content, "uint8"),), "")

    path = saved(branches(), tmp_path)
    wrong = tmp_path / "wrong.tflite"
    wrong.write_bytes(rewritten(path.read_bytes(), {}, dict.fromkeys(range(7), 0)))
    found = trial_of(wrong)
    monkeypatch.setattr(tflite_trial, "run", content_decides)
    assert set(answers(found, b"").values()) == {Answer.FAILS}


def test_a_subgraph_that_never_runs_keeps_its_order(tmp_path: Path) -> None:
    sketch = branches()
    sketch.subgraph("never run")
    fed, half, made = (sketch.tensor([1, 16]) for _ in range(3))
    sketch.operator("ADD", [fed, fed], [half])
    sketch.operator("ADD", [half, fed], [made])
    sketch.ports([fed], [made])
    path = saved(sketch, tmp_path)
    assert hmcos.verify(path, path).answer == Answer.HOLDS
    sketch.model.subgraphs[1].operators.reverse()
    other = tmp_path / "other.tflite"
    other.write_bytes(sketch.bytes())
    check = hmcos.verify(path, other).checks[-1]
    assert (check.name, check.answer) == ("written model", Answer.FAILS)
    assert check.words == "subgraph 1: is in another order, though the main graph never runs it"


def test_outputs_that_are_all_drawn_cannot_be_compared(tmp_path: Path) -> None:
    sketch = Sketch()
    sketch.subgraph()
    size = sketch.tensor([1], "INT32", data=NUMPY.array([64], "int32"))
    drawn = sketch.tensor([64], "FLOAT32")
    sketch.operator("RANDOM_UNIFORM", [size], [drawn])
    sketch.ports([], [drawn])
    path = saved(sketch, tmp_path)
    found = hmcos.verify(path, hmcos.schedule(path, output=tmp_path / "out"))
    assert found.answer == Answer.NOT_RUN
    words = next(check.words for check in found.checks if check.name == "outputs in LiteRT")
    assert words == "nothing to compare: every output depends on the random RANDOM_UNIFORM 0"


def test_computed_indices_stay_inside_what_they_index(tmp_path: Path) -> None:
    sketch = Sketch()
    sketch.subgraph()
    table = sketch.tensor([9, 9], data=NUMPY.arange(81).astype("int8"))
    two = sketch.tensor([1], "INT32", data=NUMPY.array([2], "int32"))
    fed, twice, made = sketch.tensor([50], "INT32"), sketch.tensor([50], "INT32"), sketch.tensor([50, 9])
    sketch.operator("MUL", [fed, two], [twice])
    sketch.operator("GATHER", [table, twice], [made])
    sketch.ports([fed], [made])
    path = saved(sketch, tmp_path)
    model = load(path)
    assert set(random_inputs(model.graph, 0, ranges(model))[0]) == {0, 1, 2, 3, 4}
    found = hmcos.verify(path, hmcos.schedule(path, output=tmp_path / "out"))
    assert "outputs in LiteRT" in names(found, Answer.HOLDS)
