"""A result that differs from its source is found by running it, without any other check before."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import ModelProto, TensorProto, helper

from hmcos.frontends.feeding import Bytes
from hmcos.graph.graph import Graph
from hmcos.verify.checks import Answer, Check
from hmcos.verify.run import operators, running, wholes
from hmcos.verify.run.operators import Made
from hmcos.verify.run.run_request import RunRequest
from hmcos.verify.run.running import check_by_running
from hmcos.verify.run.telling import RunPart
from unit.verify import faults
from unit.verify.faults import asked


def answered(request: RunRequest) -> list[tuple[str, Answer]]:
    return [(check.name, check.answer) for check in check_by_running(request)]


FAILED = [("same function", Answer.FAILS)]


def failed(request: RunRequest) -> str:
    """Return why a result is not what the source is."""
    found: list[Check] = list(check_by_running(request))
    assert [(check.name, check.answer) for check in found] == FAILED
    return found[0].words


def test_a_model_is_what_it_is(tmp_path: Path) -> None:
    expected = [("same function", Answer.HOLDS), ("in the arena", Answer.HOLDS)]
    assert answered(asked(tmp_path, faults.model())) == expected


def a_weight(result: ModelProto) -> None:
    result.graph.initializer[0].float_data[0] += 1


def an_operator(result: ModelProto) -> None:
    result.graph.node[0].op_type = "Cos"


def an_output(result: ModelProto) -> None:
    """The same name for another value."""
    result.graph.node[-1].output[0] = "z"
    result.graph.node[-2].output[0] = "y"
    result.graph.node[-1].input[0] = "y"


@pytest.mark.parametrize("change", [a_weight, an_operator, an_output])
def test_other_bits(change: Callable[[ModelProto], None], tmp_path: Path) -> None:
    result = faults.model()
    change(result)
    words = failed(asked(tmp_path, faults.model(), result))
    assert words == "run 0: the result differs in output 'y' from byte 0 on"


def test_another_shape(tmp_path: Path) -> None:
    result = faults.model(faults.NET.replace("y = Add(e, c)", "f = Add(e, c) y = Transpose(f)"))
    result.graph.output[0].type.tensor_type.ClearField("shape")
    words = failed(asked(tmp_path, faults.model(), result))
    assert words == "run 0: the result differs in output 'y': [8, 1] instead of [1, 8]"


def test_a_result_that_does_not_load(tmp_path: Path) -> None:
    for result in (b"no model", faults.model(faults.NET.replace("Sin", "Sinus"))):
        words = failed(asked(tmp_path, faults.model(), result))
        assert words.startswith("ONNX Runtime loads the source, but not the result: ")


def test_a_result_that_fails_while_it_runs(tmp_path: Path) -> None:
    result = faults.model(
        faults.NET.replace("y = Add(e, c)", "g = Gather(w, far) h = Add(e, c) y = Add(g, h)")
    )
    result.graph.initializer.append(helper.make_tensor("far", TensorProto.INT64, [1], [99]))
    words = failed(asked(tmp_path, faults.model(), result))
    start = "ONNX Runtime runs the source on the inputs of run 0, but not the result: operator Gather"
    assert words.startswith(start)


def test_what_the_source_computes_until_it_fails_is_compared_all_the_same(tmp_path: Path) -> None:
    """The source runs on the first inputs only; there the result differs."""
    text = """net (float[1] x) => (float[1] y) <float[1] k = {KKK}>
    { s = Sign(x) i = Cast<to=7>(s) j = Mul(i, i) n = Sub(j, i) y0 = Gather(k, n) y = Add(y0, x) }"""
    seed = next(
        seed
        for seed in range(100)
        if [np.random.default_rng([seed, run]).standard_normal(1)[0] > 0 for run in (0, 1)] == [True, False]
    )
    source, result = (faults.model(text.replace("KKK", number)) for number in ("1", "2"))
    request = replace(asked(tmp_path, source, source), seed=seed)
    assert answered(request) == [("same function", Answer.NOT_RUN), ("in the arena", Answer.NOT_RUN)]
    request = replace(asked(tmp_path, source, result), seed=seed)
    assert failed(request) == "run 0: the result differs in output 'y' from byte 2 on"


def test_a_fault_in_the_arena_is_found_where_outputs_cannot_be_compared(tmp_path: Path) -> None:
    text = """net (float[4] x) => (float[4] y)
    { a = Neg(x) b = Exp(a) r = RandomNormalLike(b) c = Add(a, r) y = Add(b, c) }"""
    request = asked(tmp_path, faults.model(text))
    expected = [("same function", Answer.NOT_RUN), ("in the arena", Answer.HOLDS)]
    assert answered(request) == expected
    assert request.plan is not None
    wrong = replace(request, plan=faults.overlapping(request.plan)[0])
    assert answered(wrong) == [("same function", Answer.NOT_RUN), ("in the arena", Answer.FAILS)]


def test_a_source_that_differs_from_itself_excuses_the_outputs_that_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An operator of which nobody knows that it draws numbers."""
    text = "net (float[4] x) => (float[4] y, float[4] z) { y = Neg(x) z = Sin(x) }"
    count = iter(range(1, 100))

    def noisy(session: Any, graph: Graph, fed: Mapping[int, Bytes]) -> dict[str, Made]:
        made = operators.run_whole(session, graph, fed)
        made["y"].content[0] = next(count)
        return made

    for module in (running, wholes):
        monkeypatch.setattr(module, "run_whole", noisy)
    request = asked(tmp_path, faults.model(text))
    found = next(iter(check_by_running(request)))
    assert found.answer == Answer.NOT_RUN
    assert found.words == "output 'y' of the source differs from run to run"
    wrong = asked(tmp_path, faults.model(text), faults.model(text.replace("Sin", "Cos")))
    assert failed(wrong) == "run 0: the result differs in output 'z' from byte 0 on"


def test_a_source_that_no_longer_runs_excuses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(model: str) -> Any:
        if model.endswith("source.onnx") and next(count) >= 1:
            raise RuntimeError("gone")
        return operators.session(model)

    count = iter(range(100))
    monkeypatch.setattr(wholes, "session", broken)
    result = faults.model()
    a_weight(result)
    assert failed(asked(tmp_path, faults.model(), result)).startswith("run 0: the result differs")
    assert next(count) == 2


def test_the_result_is_on_trial_only_after_the_source_has_run(tmp_path: Path) -> None:
    parts: list[RunPart] = []
    list(check_by_running(asked(tmp_path, faults.model()), parts.append))
    assert parts == [RunPart.LOADING, RunPart.SOURCE, RunPart.RESULT, *[RunPart.APART, RunPart.ARENA] * 12]
    parts.clear()
    unknown = faults.model("net (float[4] x) => (float[4] y) { a = Relu(x) y = my.lib.Op(a) }")
    unknown.opset_import.add(domain="my.lib", version=1)
    list(check_by_running(asked(tmp_path, unknown), parts.append))
    assert parts == [RunPart.LOADING]
