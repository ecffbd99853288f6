from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Never

import pytest
from onnx import ModelProto, TensorProto

from hmcos.graph.graph import Graph
from hmcos.verify.checks import Answer, Check
from hmcos.verify.run import reference
from hmcos.verify.run.running import check_by_running
from unit.verify import faults
from unit.verify.faults import asked

TEXT = """net (bfloat16[8] x) => (bfloat16[8] y)
{ a = Relu(x) b = Sin(a) c = Mul(b, w) d = Add(a, b) y = Sub(d, c) }"""


def bfloat16(first: int = 0x3FC0) -> ModelProto:
    """ONNX Runtime has no kernel for Relu and Sin of bfloat16."""
    model = faults.model(TEXT)
    bits = [first, *[0x4040] * 7]
    model.graph.initializer.add(name="w", data_type=TensorProto.BFLOAT16, dims=[8], int32_data=bits)
    return model


def checks(folder: Path, source: ModelProto, result: ModelProto | None = None) -> list[Check]:
    return list(check_by_running(asked(folder, source, result)))


def test_what_the_runtime_has_no_kernel_for_runs_in_the_evaluator(tmp_path: Path) -> None:
    same, arena = checks(tmp_path, bfloat16())
    assert (same.answer, arena.answer) == (Answer.HOLDS, Answer.HOLDS)
    assert "by onnx's reference evaluator, since ONNX Runtime does not load the source" in same.words
    assert "5 steps in one block" in arena.words
    assert "kernels in place are not proved" in arena.words


def test_a_changed_weight_is_found(tmp_path: Path) -> None:
    (same,) = checks(tmp_path, bfloat16(), bfloat16(0x4000))
    assert same.answer == Answer.FAILS
    assert same.words.startswith("run 0: the result differs in output 'y' from byte ")


def test_buffers_that_overlap_are_found(tmp_path: Path) -> None:
    request = asked(tmp_path, bfloat16())
    assert request.plan is not None
    wrong = replace(request, plan=faults.overlapping(request.plan)[0])
    assert [check.answer for check in check_by_running(wrong)] == [Answer.HOLDS, Answer.FAILS]


def test_the_evaluator_gets_a_tenth_of_the_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def endless(self: reference.ReferenceWhole, graph: Graph, fed: object) -> Never:
        while True:
            with suppress(Exception):  # as a runtime would
                sum(range(1000))

    monkeypatch.setattr(reference.ReferenceWhole, "run", endless)
    source = asked(tmp_path, bfloat16())
    same, arena = check_by_running(replace(source, seconds=1))
    assert (same.answer, arena.answer) == (Answer.NOT_RUN, Answer.NOT_RUN)
    assert same.words.startswith("ONNX Runtime does not load the source: ")
    assert same.words.endswith(
        "; running the source in onnx's reference evaluator takes more than 0.1 seconds of processor time; "
        "raise --time-limit"
    )


def test_what_the_evaluator_does_not_know_either_is_not_run(tmp_path: Path) -> None:
    source = faults.model("net (float[8] x) => (float[8] y) { a = Relu(x) y = elsewhere.Odd(a) }")
    source.opset_import.add(domain="elsewhere", version=1)
    source.graph.value_info.add(name="a").CopyFrom(source.graph.output[0])
    source.graph.value_info[0].name = "a"
    same, arena = checks(tmp_path, source)
    assert (same.answer, arena.answer) == (Answer.NOT_RUN, Answer.NOT_RUN)
    assert "it has no operator elsewhere:Odd" in same.words
