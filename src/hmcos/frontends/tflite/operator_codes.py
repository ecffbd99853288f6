"""What kind of operator it is, and whether it keeps something from one run to the next."""

from __future__ import annotations

from hmcos.errors import ModelError
from hmcos.frontends.tflite.schema import ModelT, OperatorT, text, words

CUSTOM = "custom"
"""The domain of operators that the schema does not define; their kind is the name they register."""

STATEFUL = frozenset(
    {
        "ASSIGN_VARIABLE",
        "BIDIRECTIONAL_SEQUENCE_LSTM",
        "BIDIRECTIONAL_SEQUENCE_RNN",
        "CALL_ONCE",
        "HASHTABLE",
        "HASHTABLE_FIND",
        "HASHTABLE_IMPORT",
        "HASHTABLE_SIZE",
        "LSTM",
        "MULTINOMIAL",
        "RANDOM_STANDARD_NORMAL",
        "RANDOM_UNIFORM",
        "READ_VARIABLE",
        "RNN",
        "STABLEHLO_RNG_BIT_GENERATOR",
        "SVDF",
        "UNIDIRECTIONAL_SEQUENCE_LSTM",
        "UNIDIRECTIONAL_SEQUENCE_RNN",
        "VAR_HANDLE",
    }
)
"""Kinds that read or change what outlives a run, or draw numbers. They keep their order among each other."""


def kind_of(model: ModelT, number: int, operator: OperatorT) -> tuple[str, str]:
    """Return kind and domain of an operator; `number` is its place.

    Raises:
        ModelError: its code is none of the file's, or of no kind that the schema knows.
    """
    codes = model.operatorCodes or []
    if not 0 <= operator.opcodeIndex < len(codes):
        raise ModelError(
            f"operator {number}: uses operator code {operator.opcodeIndex}, but the file has {len(codes)}"
        )
    code = codes[operator.opcodeIndex]
    # Old files only have the deprecated field, of one byte; new ones have both, the larger one counts.
    builtin = max(code.builtinCode, code.deprecatedBuiltinCode)
    kind = words("BuiltinOperator").get(builtin)
    if kind is None:
        raise ModelError(
            f"operator {number}: builtin operator {builtin} is in no version of the schema known here;"
            " upgrade ai-edge-litert"
        )
    if kind == "CUSTOM":
        return text(code.customCode) or "unnamed", CUSTOM
    return kind, ""


def is_stateful(kind: str, domain: str) -> bool:
    """Return whether such an operator must keep its place among the others for which this holds.

    What a custom operator does is unknown, so all of them do.
    """
    return domain == CUSTOM or kind in STATEFUL
