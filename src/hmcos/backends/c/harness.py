"""Generated code compiled by the system's compiler, and run in a child process."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from hmcos.backends.c.generating import Generated
from hmcos.backends.c.naming import Naming
from hmcos.errors import LimitError, NotRunError, ToolError
from hmcos.processes import Ended, run_program
from hmcos.streaming.program import Feeding, RowProgram

_COMPILERS = ("cc", "gcc", "clang")
COMPILING, _RUNNING = 300.0, 600.0
"""Seconds that a compilation or a run may take."""
WARNINGS = ("-Wall", "-Wextra", "-Werror")
SANITIZERS = ("-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-g")


@dataclass(frozen=True, slots=True)
class Compiler:
    """A C compiler."""

    path: str
    standard: str = "c99"
    flags: tuple[str, ...] = ("-O2", *WARNINGS)
    is_cplusplus: bool = False
    linked: tuple[str, ...] = ()
    """What follows the source: libraries, and options for their headers."""


def compiler(name: str | None = None) -> Compiler:
    """Return a compiler: the one named, or the first of cc, gcc and clang that is installed.

    Raises:
        ToolError: it is not installed.
    """
    for candidate in (name,) if name else _COMPILERS:
        found = shutil.which(candidate)
        if found:
            return Compiler(found)
    raise ToolError(
        f"no C compiler: {name or ', '.join(_COMPILERS)} not found; install one, or name it with --cc"
    )


def build(generated: Generated, naming: Naming, main: str, folder: Path, with_: Compiler) -> Path:
    """Return the program that is compiled in a folder from generated code and a `main` that includes it.

    Raises:
        NotRunError: the compiler refuses it, with its first message.
    """
    suffix = "cpp" if with_.is_cplusplus else "c"
    (folder / f"{naming.name}.h").write_text(generated.header, encoding="utf-8")
    (folder / f"{naming.name}.c").write_text(generated.source, encoding="utf-8")
    (folder / f"check.{suffix}").write_text(main, encoding="utf-8")
    program = folder / f"check-{with_.standard}"
    command = [
        with_.path,
        f"-std={with_.standard}",
        *with_.flags,
        "-o",
        str(program),
        str(folder / f"check.{suffix}"),
        *with_.linked,
    ]
    ended = run_program(command, b"", waits=COMPILING)
    if ended.failure:
        message = next((line for line in ended.log.splitlines() if "error" in line), ended.last_words)
        raise NotRunError(f"{with_.path} {ended.failure.split(':')[0]}: {message[:300]}")
    return program


def code_bytes(generated: Generated, naming: Naming, folder: Path, with_: Compiler) -> int | None:
    """Return the bytes of machine code for this machine, optimized for size; None where nothing counts them.

    Raises:
        NotRunError: the compiler refuses the code.
    """
    if not shutil.which("size"):
        return None
    (folder / f"{naming.name}.h").write_text(generated.header, encoding="utf-8")
    (folder / f"{naming.name}.c").write_text(generated.source, encoding="utf-8")
    made = folder / f"{naming.name}.o"
    command = [
        with_.path,
        f"-std={with_.standard}",
        "-Os",
        "-c",
        "-o",
        str(made),
        f"{folder / naming.name}.c",
    ]
    ended = run_program(command, b"", waits=COMPILING)
    if ended.failure:
        raise NotRunError(f"{with_.path} {ended.failure}")
    listed = run_program(["size", "-A", str(made)], b"", waits=COMPILING).answer.decode(errors="replace")
    lines = (line.split() for line in listed.splitlines())
    return sum(int(words[1]) for words in lines if len(words) == 3 and words[0].startswith(".text"))


def run(program: Path, inputs: Sequence[bytes], size: int, waits: float = _RUNNING) -> list[bytes]:
    """Return the outputs, each of so many bytes, that a program makes of inputs.

    Raises:
        LimitError: it does not end within so many seconds.
        NotRunError: it failed, as the sanitizers make it where it is at fault.
    """
    ended: Ended = run_program([str(program)], b"".join(inputs), waits=waits)
    if ended.code is None:
        raise LimitError(f"the compiled network {ended.failure}")
    if ended.failure or len(ended.answer) != size * len(inputs):
        words = next(
            (line for line in ended.log.splitlines() if "ERROR" in line or "runtime error" in line), ""
        )
        raise NotRunError(f"the compiled network {ended.failure or 'gave too little'} {words[:300]}")
    return [ended.answer[k : k + size] for k in range(0, len(ended.answer), size)]


def main_of(program: RowProgram, naming: Naming) -> str:
    """Return the `main` that runs inputs from standard input until it ends, and writes the outputs.

    It calls what users call. The arena is a block of its very size, so that sanitizers see what lies outside.
    """
    loop = _pushed(program, naming) if program.rows.input is Feeding.ROWS else _whole(program, naming)
    return "\n".join(
        [f'#include "{naming.name}.c"', "#include <stdio.h>", "#include <stdlib.h>", "", *loop, ""]
    )


def timed_main(naming: Naming, times: int) -> str:
    """Return a `main` that runs one input so many times, and writes how many nanoseconds each took."""
    macro, name = naming.macro, naming.name
    return f"""#define _POSIX_C_SOURCE 199309L
#include <time.h>
#include "{name}.c"
#include <stdio.h>
int main(void)
{{
    int k;
    static int8_t given[1 << 20];
    size_t read = fread(given, 1, sizeof given, stdin);
    for (k = 0; k < {times}; k++) {{
        struct timespec begin, end;
        memcpy({name}_arena.bytes + {macro}_INPUT_OFFSET, given, read);
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &begin);
        {name}_run();
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &end);
        printf("%lld\\n", (end.tv_sec - begin.tv_sec) * 1000000000LL + end.tv_nsec - begin.tv_nsec);
    }}
    return 0;
}}
"""


def _pushed(program: RowProgram, naming: Naming) -> list[str]:
    """Return the `main` for an input by rows; a run of one row is given up before every whole one."""
    name, macro = naming.name, naming.macro
    return [
        "int main(void)",
        "{",
        f"    int8_t *arena = (int8_t *)malloc({macro}_ARENA_BYTES);",
        f"    {macro}_ROW_TYPE *row = ({macro}_ROW_TYPE *)malloc({macro}_ROW_BYTES);",
        "    int32_t k = 0;",
        f"    while (arena && row && fread(row, 1, {macro}_ROW_BYTES, stdin) == {macro}_ROW_BYTES) {{",
        "        if (k == 0) {",
        f"            memset(arena, 85, {macro}_ARENA_BYTES);",
        f"            (void){name}_push_row_in(arena, row);",
        f"            {name}_restart();",
        "        }",
        f"        k = {name}_push_row_in(arena, row) ? 0 : k + 1;",
        "        if (k == 0) {",
        *(f"    {line}" for line in writes(program, naming)),
        "        }",
        "    }",
        "    free(arena);",
        "    free(row);",
        "    return 0;",
        "}",
    ]


def _whole(program: RowProgram, naming: Naming) -> list[str]:
    name, macro = naming.name, naming.macro
    ends = [f"{macro}_INPUT{_number(k, program.inputs)}" for k in range(len(program.inputs))]
    reads = (f"fread(arena + {end}_OFFSET, 1, {end}_BYTES, stdin) == {end}_BYTES" for end in ends)
    return [
        "int main(void)",
        "{",
        f"    int8_t *arena = (int8_t *)malloc({macro}_ARENA_BYTES);",
        "    for (;;) {",
        f"        memset(arena, 85, {macro}_ARENA_BYTES);",
        f"        if (!({' && '.join(reads)})) {{",
        "            break;",
        "        }",
        f"        {name}_run_in(arena);",
        *writes(program, naming),
        "    }",
        "    free(arena);",
        "    return 0;",
        "}",
    ]


def writes(program: RowProgram, naming: Naming) -> list[str]:
    """Return the lines that write the outputs from an arena."""
    ends = [f"{naming.macro}_OUTPUT{_number(k, program.outputs)}" for k in range(len(program.outputs))]
    return [f"        fwrite(arena + {end}_OFFSET, 1, {end}_BYTES, stdout);" for end in ends]


def _number(k: int, ends: Sequence[int]) -> str:
    return f"_{k}" if len(ends) > 1 else ""
