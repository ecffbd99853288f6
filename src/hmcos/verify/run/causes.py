"""Turn ONNX Runtime's errors into messages that name the cause and the way out."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from typing import TypeVar

from hmcos.errors import HmcosError, LimitError, NotRunError, VerifyError
from hmcos.processes import Allowance, within_own
from hmcos.words import shortened

_T = TypeVar("_T")

MORE_TIME = "raise --time-limit"
MORE_MEMORY = "raise --memory-limit"
SPECIAL = "; if an input has to be special, give it with --input"
LONGEST = 200
"""Most characters of a message of the runtime."""

_OUT_OF_MEMORY = re.compile(
    r"MemoryError|bad_alloc|bad_array_new_length|(?:Failed|Unable) to allocate|annot allocate memory|"
    r"failed to map segment"
)
# fmt: off
_NOISE = (
    re.compile(r"\[ONNXRuntimeError\] : \d+ : \w+ ?:? ?"),
    re.compile(r"Load model from .*? failed: ?"),
    re.compile(r"Fatal error: |Error in execution: ?|Exception during initialization: ?"),
    re.compile(r"/\S*onnxruntime\S*/\S+\.(?:cc|h|cpp|hpp):\d+ .*?\)(?: const)?(?= |$)"),
)
"""Parts of messages that do not help: error numbers, the model's path, places in ONNX Runtime's source."""
_PLAIN = (
    (re.compile(r"Non-zero status code returned while running (\S+) node\. Name:'([^']*)' Status Message: ?"),
     r"operator \1 '\2': "),
    (re.compile(r"(\S+)\(-?\d+\) is not a registered function/op.*"),
     r"it has no operator \1, and libraries of custom operators are never loaded"),
    (re.compile(r".*No Op registered for (\S+) with domain_version of (\d+).*"),
     r"there is no operator \1 in opset \2"),
    (re.compile(r"Could not find an implementation for (\w+)\((\d+)\) node with name '([^']*)'.*"),
     r"it has no kernel for \1 '\3' as of opset \2 with these element types"),
    (re.compile(r"Unsupported model IR version: (\d+), max supported IR version: (\d+).*"),
     r"it reads models up to IR version \2, and this one has \1; pip install -U onnxruntime"),
    (re.compile(r"ONNX Runtime only \*guarantees\* support .*? Opset (\d+) is under development.*"),
     r"it does not know opset \1 yet; pip install -U onnxruntime"),
)
"""Message of the runtime to a message for users."""
# fmt: on


def said(error: BaseException | str) -> str:
    """Return ONNX Runtime's error as one line of at most `LONGEST` characters."""
    # Shorten first: names in the model can be long, and the patterns take quadratic time on long words.
    words = " ".join(shortened(word, LONGEST) for word in str(error).split())
    words = shortened(words, 10 * LONGEST)
    for noise in _NOISE:
        words = noise.sub("", words)
    for pattern, plain in _PLAIN:
        words = pattern.sub(plain, words)
    words = " ".join(words.replace(" ''", "").split()).rstrip(" .:")
    if not words:
        return "it does not say why"
    return words if len(words) <= LONGEST else words[: LONGEST - 3] + "..."


def is_out_of_memory(words: str) -> bool:
    """Return whether an error or a log says that memory ran out."""
    return _OUT_OF_MEMORY.search(words) is not None


def too_much_memory() -> str:
    """Return that memory ran out, and how much this process may take, as words for a message."""
    may = within_own(Allowance(memory=sys.maxsize)).memory
    most = (
        "memory than there is" if may == sys.maxsize else f"than the {may:,} bytes of memory that it may take"
    )
    return f"it needs more {most}; {MORE_MEMORY}"


def tried(call: Callable[[], _T], what: str) -> _T:
    """Return the result of `call`; if it fails, the message begins with `what`.

    Raises:
        LimitError: there is not enough memory.
        NotRunError: the runtime fails in any other way.
    """
    try:
        return call()
    except HmcosError:
        raise
    except Exception as error:  # the runtime raises many types; each means that it cannot run the model
        if isinstance(error, MemoryError) or is_out_of_memory(str(error)):
            raise LimitError(f"{what}: {too_much_memory()}") from error
        raise NotRunError(f"{what}: {said(error)}") from error


def tried_on_result(call: Callable[[], _T], what: str) -> _T:
    """Return the result of `call`, for a step that succeeded with the source.

    Raises:
        LimitError: there is not enough memory.
        VerifyError: the runtime fails in any other way, so the result differs from the source.
    """
    try:
        return tried(call, what)
    except LimitError:
        raise
    except NotRunError as error:
        raise VerifyError(str(error)) from error
