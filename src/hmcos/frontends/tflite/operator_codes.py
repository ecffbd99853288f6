"""The kind of an operator, and whether it has state or is random."""

from __future__ import annotations

from hmcos.errors import ModelError
from hmcos.frontends.tflite.schema import ModelT, OperatorT, schema, text, words

CUSTOM = "custom"
"""The domain of custom operators, which the schema does not define; their kind is their registered name."""

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
"""Kinds that read or change state that outlives a run, or are random. They keep their relative order."""


VERSIONS: dict[str, dict[str, int]] = {
    "CONCATENATION": {"int8": 2, "int16": 3},
    "PAD": {"int8": 2, "int16": 3},
    "PADV2": {"int8": 2, "int16": 3},
    "SLICE": {"int8": 2, "int16": 4},
}
"""Of kinds that a rewrite adds: element type to the version that brought it; version 1 has all others.

Source: tensorflow/lite/tools/versioning/op_version.cc.
"""
_DEPRECATED_MOST = 127
"""The deprecated field has one byte; kinds beyond it are written there as this number."""


def code_for(model: ModelT, kind: str, element: str) -> int:
    """Return the number of an operator code for a kind and an element type; it is added when missing."""
    version = VERSIONS[kind].get(element, 1)
    builtin = getattr(schema().BuiltinOperator, kind)
    codes = model.operatorCodes = model.operatorCodes if model.operatorCodes is not None else []
    for number, code in enumerate(codes):
        if max(code.builtinCode, code.deprecatedBuiltinCode) == builtin and code.version >= version:
            return number
    codes.append(
        schema().OperatorCodeT(
            builtinCode=builtin, deprecatedBuiltinCode=min(builtin, _DEPRECATED_MOST), version=version
        )
    )
    return len(codes) - 1


def kind_of(model: ModelT, number: int, operator: OperatorT) -> tuple[str, str]:
    """Return kind and domain of an operator; `number` is its position.

    Raises:
        ModelError: the file does not have its code, or the schema does not know its kind.
    """
    codes = model.operatorCodes or []
    if not 0 <= operator.opcodeIndex < len(codes):
        raise ModelError(
            f"operator {number}: uses operator code {operator.opcodeIndex}, but the file has {len(codes)}"
        )
    code = codes[operator.opcodeIndex]
    # Old files have only the deprecated one-byte field; new ones have both, and the larger one counts.
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
    """Return whether an operator must keep its order relative to the others for which this is true.

    Custom operators do, since it is unknown what they compute.
    """
    return domain == CUSTOM or kind in STATEFUL
