"""One failed check decides the whole; a required one that did not run leaves it open."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hmcos.cli.exits import proof_exit_code
from hmcos.errors import HmcosError, LimitError, NotRunError, ToolError, VerifyError
from hmcos.report.records.result_records import verification_record
from hmcos.report.tables.result_tables import show
from hmcos.report.tables.verification_table import verification_table
from hmcos.verify.checks import OPTIONAL, Answer, Check, Verification, attempt

H, F, N = Answer.HOLDS, Answer.FAILS, Answer.NOT_RUN


def verification(*answers: Answer, optional: Answer = Answer.HOLDS) -> Verification:
    checks = [Check(f"check {i}", answer, "words") for i, answer in enumerate(answers)]
    return Verification("model", "plan", (*checks, Check("arena in TFLM", optional, "words")))


@pytest.mark.parametrize(
    ("answers", "optional", "whole", "code"),
    [
        ([H, H], H, H, 0),
        ([H, H], N, H, 0),
        ([H, N], H, N, 6),
        ([N, N], N, N, 6),
        ([N, F], H, F, 5),
        ([F, N], N, F, 5),
        ([H, H], F, F, 5),
        ([N, N], F, F, 5),
    ],
)
def test_the_answer_of_the_whole(answers: list[Answer], optional: Answer, whole: Answer, code: int) -> None:
    found = verification(*answers, optional=optional)
    assert found.answer == whole
    assert found.holds == (whole == H)
    assert proof_exit_code(found.answer) == code


def test_only_checks_of_which_others_stand_in_are_optional() -> None:
    expected = {
        "inner tensors",
        "outputs in LiteRT",
        "outputs in XNNPACK",
        "outputs in TFLM",
        "arena in TFLM",
        "sanitizers",
        "Cortex-M4",
    }
    assert expected == OPTIONAL
    assert [check.required for check in verification(H).checks] == [True, False]


def test_how_a_check_went() -> None:
    def raising(error: HmcosError) -> Check:
        def check() -> str:
            raise error

        return attempt("name", check)

    assert attempt("name", lambda: "fine") == Check("name", H, "fine")
    assert raising(VerifyError("wrong")) == Check("name", F, "wrong")
    for error in (NotRunError("why"), LimitError("why"), ToolError("why")):
        assert raising(error) == Check("name", N, "why")


def test_the_table_and_the_record_tell_the_three_apart(capsys: pytest.CaptureFixture[str]) -> None:
    told = {
        verification(H): "all holds",
        verification(H, optional=N): "all holds; not run, and not required: arena in TFLM",
        verification(H, N): "not run: check 1; all other checks hold",
        verification(F, N): "does not hold: check 0",
    }
    for found, verdict in told.items():
        show(verification_table(found))
        assert capsys.readouterr().out.strip().splitlines()[-1] == verdict
    record = verification_record(verification(H, F, N, optional=N))
    assert (record["answer"], record["holds"]) == ("does not hold", False)
    assert record["checks"] == [
        {"check": "check 0", "answer": "holds", "holds": True, "required": True, "words": "words"},
        {"check": "check 1", "answer": "does not hold", "holds": False, "required": True, "words": "words"},
        {"check": "check 2", "answer": "not run", "holds": None, "required": True, "words": "words"},
        {"check": "arena in TFLM", "answer": "not run", "holds": None, "required": False, "words": "words"},
    ]
    measured = Verification("model", "plan", (replace(verification(H).checks[0], memory=4096),))
    assert verification_record(measured)["checks"] == [
        {
            "check": "check 0",
            "answer": "holds",
            "holds": True,
            "required": True,
            "words": "words",
            "memory": 4096,
        }
    ]
    record = verification_record(verification(N))
    assert (record["answer"], record["holds"]) == ("not run", None)
