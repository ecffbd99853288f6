"""Checks of parameters that every family of networks uses."""

from __future__ import annotations

from hmcos.errors import OptionError


def check_whole(name: str, value: object, least: int = 1) -> None:
    """Check that a value is a whole number of at least `least`.

    Raises:
        OptionError: it is not.
    """
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise OptionError(f"zoo: {name} is {value!r}: it must be a whole number, at least {least}")


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
