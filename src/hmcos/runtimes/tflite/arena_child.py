"""The child process: find the least arena in which a model runs in TensorFlow Lite for Microcontrollers."""

from __future__ import annotations

import json
import os
import pickle
import re
from collections.abc import Callable
from ctypes import CDLL
from dataclasses import dataclass
from hashlib import sha256
from importlib import import_module
from tempfile import TemporaryFile
from typing import Any

from hmcos.alignment import round_up

_LINE = re.compile(r"Arena allocation (total|head|tail) (\d+) bytes")
"""What TFLM prints of its arena."""
STEP = 16
"""Bytes: the arena that is found is a multiple of it, as its tensors are."""
FIRST_STRIDE = 64
_PERTURB = -6
"""The parameter of glibc's mallopt by whose complement every byte is filled."""


@dataclass(frozen=True, slots=True)
class Sought:
    """A model whose arena is sought."""

    content: bytes
    """The model file."""
    room: int
    """Bytes that are surely enough, a multiple of `STEP`: of another arena, TFLM loses the rest."""
    inputs: tuple[Any, ...] | None
    """Arrays, one per input; None to set the model up only."""
    outputs: int = 0
    """How many outputs the model has."""


def answer(request: bytes) -> bytes:
    """Return head, tail, total and the least arena of each model as JSON, or why TFLM refuses it.

    `request` is a pickled list of `Sought`. Every arena is tried in a process of its own, since TFLM may
    crash in one that is too small.
    """
    runtime: Any = import_module("tflite_micro").runtime
    return json.dumps([_found(_Trials(sought, runtime)) for sought in pickle.loads(request)]).encode()


def _found(trials: _Trials) -> dict[str, object]:
    room = trials.sought.room
    ample = trials.setup(room)
    sizes = sizes_in(ample.log)
    if not ample.works or sizes is None:
        return {"refused": "; ".join(line for line in ample.log.splitlines()[-3:] if line) or "it crashes"}
    # TFLM may accept less than it says it used: then a kernel has not checked whether it got its memory.
    least = round_up(sizes["total"], STEP)
    declare = least_of(lambda size: trials.setup(size).works, least, room)
    if trials.sought.inputs is not None:
        right = trials.run(room)
        # In too little memory, what a kernel keeps may have destroyed what it looked at: outputs then differ.
        if right.works and trials.run(declare) != right:
            declare = least_of(lambda size: trials.run(size) == right, declare, room)
    return {**sizes, "declare": declare}


def sizes_in(log: str) -> dict[str, int] | None:
    """Return total, head and tail of the arena as TFLM has printed them, in bytes; None if one is missing."""
    sizes = {word: int(size) for word, size in _LINE.findall(log)}
    return sizes if len(sizes) == len(("total", "head", "tail")) else None


def least_of(works: Callable[[int], bool], least: int, most: int) -> int:
    """Return the least size of at least `least` that works, in steps of 16 bytes; `most` works."""
    below, stride = least - STEP, FIRST_STRIDE
    above = least
    while not works(above):
        below, above = above, min(most, above + stride)
        stride *= 2
        if above == most:
            break
    while above - below > STEP:
        middle = below + (above - below) // (2 * STEP) * STEP
        below, above = (below, middle) if works(middle) else (middle, above)
    return above


@dataclass(frozen=True, slots=True)
class _Trial:
    """How an arena did."""

    works: bool
    log: str
    """What TFLM printed of its arena, or a digest of the outputs if the model ran."""


@dataclass(frozen=True, slots=True)
class _Trials:
    sought: Sought
    runtime: Any

    def setup(self, size: int) -> _Trial:
        """Return whether TFLM sets the model up in an arena, and what it printed of it."""
        return self._tried(size, runs=False)

    def run(self, size: int) -> _Trial:
        """Return whether TFLM runs the model in an arena, and a digest of its outputs."""
        return self._tried(size, runs=True)

    def _tried(self, size: int, *, runs: bool) -> _Trial:
        with TemporaryFile() as log:
            child = os.fork()
            if not child:
                self._try(size, log.fileno(), runs=runs)
            _, status = os.waitpid(child, 0)
            log.seek(0)
            return _Trial(status == 0, log.read().decode(errors="replace"))

    def _try(self, size: int, log: int, *, runs: bool) -> None:
        """Try an arena in this process and end it: with 0 if TFLM works in it."""
        os.dup2(log, 1)
        os.dup2(log, 2)
        code = 1
        try:
            _begin_with_zeros()
            session = self.runtime.Interpreter.from_bytes(self.sought.content, arena_size=size)
            if runs:
                os.write(2, self._digest(session).encode())
            else:
                session.print_allocations()
            code = 0
        except Exception as error:
            os.write(2, str(error).encode())
        finally:
            os._exit(code)

    def _digest(self, session: Any) -> str:
        for number, value in enumerate(self.sought.inputs or ()):
            session.set_input(value, number)
        session.invoke()
        digest = sha256()
        for number in range(self.sought.outputs):
            digest.update(session.get_output(number).tobytes())
        return digest.hexdigest()


def _begin_with_zeros() -> None:
    """Let all memory that is allocated from now on hold zeros, where the C library can do so.

    Arenas would hold what was there before, and what a kernel leaves unwritten in its output with it: outputs
    would differ as if the arena was too small.
    """
    mallopt = getattr(CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_PERTURB, 0xFF)
