"""What ONNX Runtime says becomes one line that names the cause; only the source is excused."""

from __future__ import annotations

import pytest

from hmcos.errors import LimitError, NotRunError, VerifyError
from hmcos.verify.run.causes import LONGEST, said, tried, tried_on_result

SOURCE = (
    "/onnxruntime_src/onnxruntime/core/graph/model.cc:256 onnxruntime::Model::Model(onnx::ModelProto&&, int)"
)


@pytest.mark.parametrize(
    ("raw", "plain"),
    [
        (
            "[ONNXRuntimeError] : 1 : FAIL : Load model from /a/b c.onnx failed:Fatal error: "
            "qonnx:Quant(-1) is not a registered function/op",
            "it has no operator qonnx:Quant, and libraries of custom operators are never loaded",
        ),
        (
            "[ONNXRuntimeError] : 9 : NOT_IMPLEMENTED : Could not find an implementation for Add(6) node "
            "with name ''",
            "it has no kernel for Add as of opset 6 with these element types",
        ),
        (
            f"[ONNXRuntimeError] : 1 : FAIL : Load model from m.onnx failed:{SOURCE} Unsupported model IR "
            "version: 99, max supported IR version: 14\n",
            "it reads models up to IR version 14, and this one has 99; pip install -U onnxruntime",
        ),
        (
            f"Load model from m.onnx failed:{SOURCE} ONNX Runtime only *guarantees* support for models "
            "stamped with official released onnx opset versions. Opset 99 is under development and support",
            "it does not know opset 99 yet; pip install -U onnxruntime",
        ),
        (
            "Error in execution: Non-zero status code returned while running Gather node. Name:'g' Status "
            "Message: indices element out of data bounds, idx=700 must be within the inclusive range [-8,7]",
            "operator Gather 'g': indices element out of data bounds, idx=700 must be within the inclusive "
            "range [-8,7]",
        ),
        (
            'This is an invalid model. In Node, ("o", Sin, "", -1) : ("x": tensor(float),) -> ("y": '
            "tensor(float),) , Error No Op registered for Sin with domain_version of 6",
            "there is no operator Sin in opset 6",
        ),
        ("", "it does not say why"),
    ],
)
def test_what_it_says(raw: str, plain: str) -> None:
    assert said(raw) == plain
    assert len(said(raw * 50)) <= LONGEST


def raising(error: Exception) -> None:
    raise error


LOADER = "onnxruntime_pybind11_state.so: failed to map segment from shared object"


@pytest.mark.parametrize("error", [MemoryError(), RuntimeError("std::bad_alloc"), ImportError(LOADER)])
def test_memory_is_a_limit_for_both(error: Exception) -> None:
    for call in (tried, tried_on_result):
        with pytest.raises(LimitError, match=r"^loading: .* raise --memory-limit"):
            call(lambda: raising(error), "loading")


def test_other_failures_excuse_the_source_only() -> None:
    with pytest.raises(NotRunError, match=r"^loading: no kernel"):
        tried(lambda: raising(RuntimeError("no kernel")), "loading")
    with pytest.raises(VerifyError, match=r"^loading: no kernel"):
        tried_on_result(lambda: raising(RuntimeError("no kernel")), "loading")
    for call in (tried, tried_on_result):
        with pytest.raises(VerifyError, match=r"^differs"):
            call(lambda: raising(VerifyError("differs")), "loading")


@pytest.mark.parametrize("times", [1, 300_000])
def test_the_cause_is_told_however_long_names_are(times: int) -> None:
    # A pattern looked at a long word again from each of its letters, for minutes.
    raw = f"Load model from m.onnx failed:Fatal error: d:{'q' * times}(-1) is not a registered function/op"
    assert said(raw).startswith("it has no operator d:q")
    assert len(said(raw)) <= LONGEST
