"""Checks of parameters that every family of networks uses."""

from __future__ import annotations

from hmcos.errors import OptionError

_MOST = 2**31 - 1
"""The largest length or count that every runtime can index."""


def check_whole(name: str, value: object) -> None:
    """Check that a value is a whole number from 1 to 2^31 - 1.

    Raises:
        OptionError: it is not.
    """
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise OptionError(f"zoo: {name} is {value!r}: it must be a whole number, at least 1")
    if value > _MOST:
        raise OptionError(f"zoo: {name} is {value}: it must be at most {_MOST}")


def check_seed(value: object) -> None:
    """Check that a value is a whole number of at least 0; any size will do.

    Raises:
        OptionError: it is not.
    """
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise OptionError(f"zoo: seed is {value!r}: it must be a whole number, at least 0")


def check_choice(name: str, value: object, choices: tuple[str, str]) -> None:
    """Check that a value is one of two words.

    Raises:
        OptionError: it is not.
    """
    if value not in choices:
        raise OptionError(f"zoo: {name} is {value!r}: it must be {' or '.join(choices)}")


def check_switch(name: str, value: object) -> None:
    """Check that a value is True or False.

    Raises:
        OptionError: it is not.
    """
    if not isinstance(value, bool):
        raise OptionError(f"zoo: {name} is {value!r}: it must be True or False")
