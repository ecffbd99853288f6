"""Generated code against the runtime whose bits it must have."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

from hmcos.backends.c.generating import Generated
from hmcos.backends.c.harness import SANITIZERS, WARNINGS, Compiler, build, compiler, main_of, run
from hmcos.backends.c.naming import Naming
from hmcos.backends.c.poisoning import poisoned_main
from hmcos.folders import temporary_folder
from hmcos.frontends.model import Model
from hmcos.runtimes.tflite.litert import run_all
from hmcos.runtimes.tflite.tflm import room
from hmcos.streaming.program import RowProgram


@dataclass(frozen=True, slots=True)
class Build:
    """One way to compile and run generated code."""

    title: str
    flags: tuple[str, ...]
    is_poisoned: bool = False
    """Whether dead bytes are overwritten after every step."""
    compiler: Compiler | None = None
    """None for the system's."""


BUILDS = (
    Build("optimized", ("-O2", *WARNINGS)),
    Build("with ASan and UBSan, dead bytes overwritten", ("-O1", *WARNINGS, *SANITIZERS), True),
)


@dataclass(frozen=True, slots=True)
class Comparison:
    """How often two ways to run a network gave the same bits."""

    title: str
    runs: int
    equal: int


def reference(model: Model, inputs: Sequence[Sequence[object]], engine: str = "tflm") -> list[bytes]:
    """Return the outputs, one behind the other, that a runtime makes of each of several inputs.

    Raises:
        ToolError: the runtime is not installed.
        NotRunError: it refuses the model.
        LimitError: it reaches a limit of time or memory.
    """
    content = cast(bytes, model.proto)
    found = run_all(engine, content, inputs, room(content, model.graph) if engine == "tflm" else 0)
    return [b"".join(array.tobytes() for array in outputs) for outputs in found]


def compare(
    model: Model,
    program: RowProgram,
    code: tuple[Generated, Naming],
    inputs: Sequence[Sequence[object]],
    wanted: Sequence[bytes],
    builds: Iterable[Build] = BUILDS,
) -> list[Comparison]:
    """Return per build how many of the inputs give the outputs that are wanted.

    Raises:
        ToolError: there is no compiler.
        NotRunError: the compiler refuses the code, or a sanitizer finds it at fault.
    """
    generated, naming = code
    size = sum(model.graph.tensors[t].size for t in model.graph.outputs)
    given = [b"".join(cast(Any, array).tobytes() for array in arrays) for arrays in inputs]
    found: list[Comparison] = []
    with temporary_folder() as folder:
        for one in builds:
            main = poisoned_main(program, generated, naming) if one.is_poisoned else main_of(program, naming)
            built = build(
                generated, naming, main, folder, replace(one.compiler or compiler(), flags=one.flags)
            )
            made = run(built, given, size)
            equal = sum(a == b for a, b in zip(made, wanted, strict=True))
            found.append(Comparison(one.title, len(made), equal))
    return found
