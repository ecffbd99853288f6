"""Symbolic dimensions: which symbols a dimension contains, and its size once they are bound."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from fractions import Fraction
from functools import lru_cache
from math import ceil, floor

LONGEST = 256
"""Most characters of an expression; a longer text counts as a plain name."""
DEEPEST = 32
"""Deepest nesting of parentheses and signs."""

_TOKEN = re.compile(r"\s*(\d+|[^\W\d]\w*|//|[-+*/%(),])")
_ARITHMETIC = re.compile(r"(?<!\w)\d|[\s+*%(]|//")
"""What makes an expression of a text; names contain digits, hyphens and single slashes."""
_FUNCTIONS: dict[str, Callable[[list[Fraction]], Fraction]] = {
    "floor": lambda given: Fraction(floor(given[0])),
    "ceil": lambda given: Fraction(ceil(given[0])),
    "ceiling": lambda given: Fraction(ceil(given[0])),
    "min": min,
    "max": max,
}
_BINARY: dict[str, Callable[[Fraction, Fraction], Fraction]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b,
    "//": lambda a, b: Fraction(a // b),
    "%": lambda a, b: a % b,
}


class _NotAnExpressionError(Exception):
    """The text of a dimension is a plain name, or has no value."""


def evaluate(dimension: str, bind: Mapping[str, int]) -> int | None:
    """Return the size of a symbolic dimension; None if it is unknown.

    The whole text may be bound as a name; otherwise it is read as an expression with + - * / // %,
    parentheses, floor, ceil, ceiling, min and max. Division is exact; a size must be a whole number.
    """
    if dimension in bind:
        return bind[dimension]
    try:
        value = _Expression(dimension, bind).value()
    except (_NotAnExpressionError, ZeroDivisionError):
        return None
    return int(value) if value.denominator == 1 else None


def symbols(dimensions: Iterable[str]) -> tuple[str, ...]:
    """Return the names to bind, in order of first appearance.

    A text such as `past-length` could be a name or a difference; it is a name unless its parts
    stand alone somewhere.
    """
    listed = dict.fromkeys(dimensions)
    names: dict[str, None] = {}
    for dimension in listed:
        if evaluate(dimension, {}) is not None:
            continue
        parts = _names(dimension)
        if _ARITHMETIC.search(dimension) or all(part in listed for part in parts):
            names.update(dict.fromkeys(parts or [dimension]))
        else:
            names[dimension] = None
    return tuple(names)


@lru_cache(maxsize=4096)
def _names(dimension: str) -> tuple[str, ...]:
    """Return the symbols of an expression; none if the text is not an expression."""
    try:
        expression = _Expression(dimension, None)
        expression.value()
    except (_NotAnExpressionError, ZeroDivisionError):
        return ()
    return tuple(dict.fromkeys(expression.names))


class _Expression:
    """An expression by recursive descent: sum of products of signed atoms.

    Without a binding every name counts as 1, which serves to find the names.
    """

    def __init__(self, text: str, bind: Mapping[str, int] | None) -> None:
        self.names: list[str] = []
        self._bind = bind
        self._tokens = _tokens(text)
        self._at = 0
        self._depth = 0

    def value(self) -> Fraction:
        """Return the value; the whole text must be used up."""
        value = self._sum()
        if self._peek():
            raise _NotAnExpressionError
        return value

    def _sum(self) -> Fraction:
        value = self._product()
        while self._peek() in ("+", "-"):
            value = _BINARY[self._next()](value, self._product())
        return value

    def _product(self) -> Fraction:
        value = self._atom()
        while self._peek() in ("*", "/", "//", "%"):
            value = _BINARY[self._next()](value, self._atom())
        return value

    def _atom(self) -> Fraction:
        self._depth += 1
        if self._depth > DEEPEST:
            raise _NotAnExpressionError
        value = self._read(self._next())
        self._depth -= 1
        return value

    def _read(self, token: str) -> Fraction:
        if token.isdecimal():
            return Fraction(int(token))
        if token == "-":
            return -self._atom()
        if token == "(":
            return self._arguments()[0]
        if token.lower() in _FUNCTIONS and self._peek() == "(":
            self._next()
            return _FUNCTIONS[token.lower()](self._arguments())
        if not token.isidentifier():
            raise _NotAnExpressionError
        self.names.append(token)
        if self._bind is None:
            return Fraction(1)
        if token not in self._bind:
            raise _NotAnExpressionError
        return Fraction(self._bind[token])

    def _arguments(self) -> list[Fraction]:
        values = [self._sum()]
        while self._peek() == ",":
            self._next()
            values.append(self._sum())
        if self._next() != ")":
            raise _NotAnExpressionError
        return values

    def _peek(self) -> str:
        return self._tokens[self._at] if self._at < len(self._tokens) else ""

    def _next(self) -> str:
        token = self._peek()
        self._at += 1
        return token


def _tokens(text: str) -> list[str]:
    if len(text) > LONGEST:
        raise _NotAnExpressionError
    tokens: list[str] = []
    at = 0
    text = text.rstrip()
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise _NotAnExpressionError
        tokens.append(match.group(1))
        at = match.end()
    return tokens
