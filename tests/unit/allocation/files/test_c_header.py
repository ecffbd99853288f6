import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hmcos.allocation.exact.proof import exact
from hmcos.allocation.files.c_header import c_header
from hmcos.allocation.lives import Demand, Lives
from hmcos.errors import OptionError
from hmcos.limits import Limits, Watch
from hmcos.memory.lifetimes import Life

LIVES = Lives(
    (Life(0, 2, 5, None), Life(0, 2, 9, None), Life(0, 2, 7, None), Life(0, 2, 3, None)),
    16,
    (Demand(), Demand(), Demand(), Demand(external=True)),
)
NAMES = ("conv/1:0", "conv_1_0", "", "input")
ARENA = exact(LIVES, Limits(), Watch())


def test_every_life_in_the_arena_has_macros_of_its_own() -> None:
    text = c_header(NAMES, LIVES, ARENA)
    assert "#define HMCOS_ARENA_SIZE 48ULL" in text
    for macro in ("CONV_1_0", "CONV_1_0_1", "UNNAMED"):
        assert f"#define HMCOS_OFFSET_{macro} " in text
    assert "INPUT" not in text


STRICT = ("-Wall", "-Wextra", "-Werror", "-pedantic", "-fsyntax-only", "-x")
COMPILERS = (
    ("gcc", "c", "c11"),
    ("gcc", "c", "c17"),
    ("g++", "c++", "c++11"),
    ("g++", "c++", "c++20"),
)
HOSTILE = (
    "*/ int broken(void) { return 1; } /*",
    "a;b;c",
    "\n#error broken\n",
    "??/\n",
    "\\",
    '"',
    "__",
    "_Reserved",
    "conv__2__",
    "1st",
    "имя",
    "int",
    "n" * 10_000,
    "n" * 10_000 + "2",
    "fused;" * 2_000,
)


def use_line(text: str) -> str:
    """The declaration that the header tells to write."""
    found = re.search(r"/\* Use: (.*) \*/", text)
    assert found is not None
    return found[1]


USE = "int main(void) { return hmcos_arena[HMCOS_ARENA_SIZE - 1]; }\n"


def refused(folder: Path, text: str, compiler: tuple[str, str, str], use: str = USE) -> str:
    """What a compiler says against a header and the declaration that it tells; nothing if it takes both."""
    program, language, standard = compiler
    if shutil.which(program) is None:
        pytest.skip(f"needs {program}")
    (folder / "arena.h").write_text(text, encoding="utf-8")
    source = folder / "main.txt"
    source.write_text(
        f'#include "arena.h"\n#include "arena.h"\n{use_line(text)}\n{use}',
        encoding="utf-8",
    )
    command = [program, f"-std={standard}", *STRICT, language, str(source)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stderr if done.returncode else ""


@pytest.mark.parametrize("compiler", COMPILERS)
def test_the_header_and_the_line_that_uses_it_compile(tmp_path: Path, compiler: tuple[str, str, str]) -> None:
    assert refused(tmp_path, c_header(NAMES, LIVES, ARENA), compiler) == ""


WHOLE = c_header(NAMES, LIVES, ARENA, whole=4096)


def test_what_a_runtime_needs_in_all_has_a_name_of_its_own() -> None:
    assert re.findall(r"#define (\w+_SIZE) (\d+)ULL", WHOLE)[:2] == [
        ("HMCOS_TENSOR_ARENA_SIZE", "4096"),
        ("HMCOS_TFLM_HEAD_SIZE", "48"),
    ]
    assert "HMCOS_ARENA_SIZE" not in WHOLE
    assert use_line(WHOLE) == "HMCOS_ALIGNED static unsigned char tensor_arena[HMCOS_TENSOR_ARENA_SIZE];"


@pytest.mark.parametrize("compiler", (*COMPILERS, ("g++", "c++", "c++17")))
def test_the_whole_arena_compiles(tmp_path: Path, compiler: tuple[str, str, str]) -> None:
    use = "int main(void) { return tensor_arena[HMCOS_TENSOR_ARENA_SIZE - 1]; }\n"
    assert refused(tmp_path, WHOLE, compiler, use) == ""


@pytest.mark.parametrize("compiler", COMPILERS)
def test_a_wrong_offset_does_not_compile(tmp_path: Path, compiler: tuple[str, str, str]) -> None:
    text = c_header(NAMES, LIVES, ARENA)
    wrong = text.replace("define HMCOS_OFFSET_UNNAMED ", "define HMCOS_OFFSET_UNNAMED 1 + ")
    assert "UNNAMED is not aligned" in refused(tmp_path, wrong, compiler)


@pytest.mark.parametrize("compiler", COMPILERS)
def test_names_cannot_leave_their_macros(tmp_path: Path, compiler: tuple[str, str, str]) -> None:
    lives = Lives(tuple(Life(0, 1, 4, None) for _ in HOSTILE), 4)
    arena = replace(exact(lives, Limits(), Watch()), allocator="*/ int broken; /*")
    assert refused(tmp_path, c_header(HOSTILE, lives, arena), compiler) == ""


@pytest.mark.slow
@given(st.lists(st.text(max_size=300), max_size=8))
def test_names_become_different_identifiers_that_nobody_keeps(names: list[str]) -> None:
    lives = Lives(tuple(Life(0, 1, 4, None) for _ in names), 1)
    offsets = tuple(range(0, 4 * len(names), 4))
    arena = replace(ARENA, offsets=offsets, size=4 * len(names))
    macros = re.findall(r"^#define (HMCOS_OFFSET_\S*) ", c_header(names, lives, arena), re.MULTILINE)
    assert len(set(macros)) == len(names)
    for macro in macros:
        assert re.fullmatch(r"[A-Z]+(_[A-Z0-9]+)+", macro)
        assert len(macro) < 160


def test_an_arena_of_nothing_declares_nothing() -> None:
    empty = replace(ARENA, offsets=(), size=0, lower_bound=0)
    assert "Use:" not in c_header((), Lives((), 1), empty)


def test_an_arena_beyond_what_c_can_name_is_an_error() -> None:
    with pytest.raises(OptionError, match="cannot be written in C"):
        c_header((), Lives((), 1), replace(ARENA, offsets=(), size=2**64))


def test_a_prefix_that_is_no_identifier_is_an_error() -> None:
    with pytest.raises(OptionError, match="prefix '1x'"):
        c_header(NAMES, LIVES, ARENA, "1x")
