"""Names of operators and tensors in tables and sentences."""

from __future__ import annotations

from hmcos.plan.plan import OperatorRow
from hmcos.words import printable, shortened

NAMED = 60
"""Characters of a name that are shown: names of fused operators ("a;b;c") have hundreds."""


def operator_words(row: OperatorRow) -> str:
    """Return the name of an operator for people: Conv 'conv2d_15', CONCATENATION 40, or operator 7.

    The kind is left out if the name begins with it; the number replaces a name that says nothing more.
    """
    name, kind = shown(row.name), printable(row.kind)
    if not row.name or row.name == row.kind:
        return f"{kind or 'operator'} {row.number}"
    if kind and row.name.startswith(row.kind) and not row.name[len(row.kind)].isalnum():
        return name
    return f"{kind or 'operator'} '{name}'"


def shown(name: str) -> str:
    """Return a name as it is shown: safe to print, and without its middle where that is long."""
    return shortened(printable(name), NAMED)
