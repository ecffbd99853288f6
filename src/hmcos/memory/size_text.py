"""Bytes that people wrote, with a unit."""

from __future__ import annotations

import re

from hmcos.errors import OptionError

_SIZE = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([a-z]*)\s*", re.IGNORECASE | re.ASCII)
_LONGEST = 40
_FACTORS = {
    "": 1,
    "b": 1,
    **{f"{letter}{end}": 1024**power for power, letter in enumerate("kmgt", 1) for end in ("", "ib")},
    **{f"{letter}b": 1000**power for power, letter in enumerate("kmgt", 1)},
}
"""As GNU's tools read them: K and KiB are 1024 bytes, KB is 1000."""


def parse_size(text: str) -> int:
    """Return the bytes in a text such as 262144, 256K, 1MiB or "1.5 MB".

    Raises:
        OptionError: the text is not a size, or not a whole number of bytes.
    """
    match = _SIZE.fullmatch(text) if len(text) <= _LONGEST else None
    if match is None or match[2].lower() not in _FACTORS:
        raise OptionError(
            f"{text[:_LONGEST]!r} is no size; write bytes, or 256K, 1MiB, 1.5MB (K = KiB = 1024, KB = 1000)"
        )
    whole, _, digits = match[1].partition(".")
    scaled = int(whole + digits) * _FACTORS[match[2].lower()]
    size, rest = divmod(scaled, 10 ** len(digits))
    if rest:
        raise OptionError(f"{text!r} is no whole number of bytes")
    return size
