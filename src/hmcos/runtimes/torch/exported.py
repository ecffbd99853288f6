"""What the graph of an exported program is run on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from torch.export import ExportedProgram
from torch.export.graph_signature import InputKind
from torch.utils import _pytree as pytree

from hmcos.errors import OptionError
from hmcos.runtimes.torch.running import Feed


def feed(
    program: ExportedProgram,
    inputs: Sequence[Any] | None = None,
    named: Mapping[str, Any] | None = None,
    *,
    gives_up: bool = False,
) -> Feed:
    """Return the values for the placeholders of a program's graph: its parameters, and inputs.

    By default the inputs are the examples that the program was exported with. With `gives_up` the caller
    does not hold the inputs, so each dies after its last reader.

    Raises:
        OptionError: the program has no example inputs and none are given, or they are too few or too many.
    """
    given = iter(_flat(program, inputs, named))
    specs = program.graph_signature.input_specs
    values: list[Any] = []
    for spec in specs:
        if spec.kind is InputKind.USER_INPUT:
            values.append(next(given))
        else:
            values.append(_held(program, str(spec.target)))
    asked = {at for at, spec in enumerate(specs) if spec.kind is InputKind.USER_INPUT}
    parameters = frozenset(range(len(specs))) - asked
    return Feed(tuple(values), parameters, frozenset(asked if gives_up else ()))


def _held(program: ExportedProgram, name: str) -> Any:
    """Return a parameter, buffer or constant of a program."""
    return program.state_dict[name] if name in program.state_dict else program.constants[name]


def _flat(
    program: ExportedProgram, inputs: Sequence[Any] | None, named: Mapping[str, Any] | None
) -> list[Any]:
    if inputs is None:
        if program.example_inputs is None:
            raise OptionError("the exported program has no example inputs; give inputs")
        inputs, named = program.example_inputs
    leaves = pytree.tree_leaves((tuple(inputs), dict(named or {})))
    asked = len(program.graph_signature.user_inputs)
    if len(leaves) != asked:
        raise OptionError(f"the exported program takes {asked} input tensors, not {len(leaves)}")
    return leaves
