"""Symbolic sizes of exported programs: which there are, and inputs with sizes bound."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, cast

import torch

from hmcos.errors import OptionError, SizeError
from hmcos.frontends.torch.private import expression, fake_mode
from hmcos.frontends.torch.programs import Program
from hmcos.words import first_line


def symbols(program: Program) -> tuple[str, ...]:
    """Return the symbols in the sizes of a program's inputs, in order of first appearance."""
    found: dict[str, None] = {}
    for value in program.inputs.values():
        for size in _sizes(value):
            found.update(dict.fromkeys(sorted(str(symbol) for symbol in expression(size).free_symbols)))
    return tuple(found)


def check_bind(program: Program, bind: Mapping[str, int]) -> None:
    """Check that sizes are bound to symbols that a program has, and lie in their ranges.

    Raises:
        OptionError: a symbol is unknown, or its size is out of its range.
    """
    known = symbols(program)
    for symbol, size in bind.items():
        if symbol not in known:
            listed = ", ".join(map(_ranged(program), known)) or "none"
            raise OptionError(f"no symbolic size is called {symbol!r}; there are {listed}")
        least, most = program.ranges.get(symbol, (None, None))
        if size < max(1, least or 0) or (most is not None and size > most):
            raise OptionError(f"{symbol}={size} is out of range: {_ranged(program)(symbol)}")


def bound_inputs(program: Program, bind: Mapping[str, int]) -> dict[str, object]:
    """Return the inputs of a program, by placeholder, with all sizes bound.

    Raises:
        SizeError: a symbol is not bound; lists the missing ones with their ranges.
        OptionError: a size is no whole number with these values.
    """
    missing = [symbol for symbol in symbols(program) if symbol not in bind]
    if missing:
        listed = ", ".join(map(_ranged(program), missing))
        example = f"--bind {missing[0]}={_example(program, missing[0])}"
        raise SizeError(f"sizes are symbolic: {listed}; bind them, such as {example}")
    with fake_mode():
        return {name: _bound(name, value, bind) for name, value in program.inputs.items()}


def _ranged(program: Program) -> Any:
    def words(symbol: str) -> str:
        least, most = program.ranges.get(symbol, (None, None))
        return (
            f"{symbol} ({max(1, least or 0)} to {most})"
            if most is not None
            else f"{symbol} (at least {max(1, least or 0)})"
        )

    return words


def _example(program: Program, symbol: str) -> int:
    least, most = program.ranges.get(symbol, (None, None))
    return min(max(8, least or 0), most or 8)


def _sizes(value: object) -> Iterator[torch.SymInt]:
    """Yield the symbolic numbers in the sizes of a value."""
    if isinstance(value, torch.Tensor):
        for number in (*value.shape, *value.stride(), value.storage_offset()):
            if isinstance(cast(object, number), torch.SymInt):
                yield cast(torch.SymInt, number)
    elif isinstance(value, torch.SymInt):
        yield value


def _bound(name: str, value: object, bind: Mapping[str, int]) -> object:
    def number(size: int | torch.SymInt) -> int:
        if isinstance(size, int):
            return size
        worked = expression(size).subs({s: bind[str(s)] for s in expression(size).free_symbols})
        if not worked.is_Integer or worked < 0:
            raise OptionError(
                f"input {name!r}: its size {expression(size)} is {worked} with these bindings, no size"
            )
        return int(worked)

    if isinstance(value, torch.SymInt):
        return number(value)
    if not isinstance(value, torch.Tensor) or not any(_sizes(value)):
        return value
    size, stride = [number(n) for n in value.shape], [number(n) for n in value.stride()]
    try:
        return torch.empty_strided(size, stride, dtype=value.dtype, device=value.device)
    except (RuntimeError, ValueError, TypeError, OverflowError) as error:
        raise OptionError(
            f"input {name!r}: torch has no tensor of size {size}: {first_line(error)}"
        ) from error
