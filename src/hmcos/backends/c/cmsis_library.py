"""CMSIS-NN, compiled for this machine from a folder with its sources, so that generated code can be run."""

from __future__ import annotations

from pathlib import Path

from hmcos.backends.c.harness import COMPILING, Compiler
from hmcos.errors import NotRunError, ToolError
from hmcos.processes import run_program

HEADER = "Include/arm_nnfunctions.h"
"""What code includes, in the folder of the library."""
_FLOATS = ("_f16", "_f32", "_flt")
"""Ends of the names of sources that need the vector types of Arm's compilers, or CMSIS-DSP."""


def linked(library: Path, folder: Path, with_: Compiler, flags: tuple[str, ...]) -> tuple[str, ...]:
    """Return what a compiler is told so that code finds CMSIS-NN, which is compiled in a new folder.

    `library` is a folder of the user's with Include/ and Source/, as CMSIS-NN's repository and pack have.

    Raises:
        ToolError: it is not such a folder.
        NotRunError: the compiler refuses the sources.
    """
    sources, include = sources_of(library), (library / HEADER).parent
    folder.mkdir()
    objects: list[str] = []
    for source in sources:
        objects.append(str(folder / f"{source.stem}.o"))
        command = [with_.path, *flags, "-I", str(include.absolute()), "-c", str(source), "-o", objects[-1]]
        ended = run_program(command, b"", waits=COMPILING)
        if ended.failure:
            raise NotRunError(f"{source.name} of CMSIS-NN: {with_.path} {ended.failure}")
    return ("-isystem", str(include.absolute()), *objects)


def sources_of(library: Path) -> list[Path]:
    """Return the C files in the folder of the library, but for those that need Arm's compilers.

    Raises:
        ToolError: it is not such a folder.
    """
    sources = sorted(
        place.absolute()
        for place in library.glob("Source/*/*.c")
        if place.parent.name != "Bindings" and not place.stem.endswith(_FLOATS)
    )
    if not sources or not (library / HEADER).is_file():
        raise ToolError(f"{library}: has no {HEADER} and Source/; name the folder of CMSIS-NN")
    return sources
