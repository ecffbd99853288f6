import shutil
import subprocess
from pathlib import Path

import pytest

from hmcos.allocation.c_header import c_header
from hmcos.allocation.exact import exact
from hmcos.allocation.problem import Demand, Lives
from hmcos.errors import OptionError
from hmcos.memory.lifetimes import Life
from hmcos.plan.limits import SILENCE, Limits

LIVES = Lives(
    (Life(0, 2, 5, None), Life(0, 2, 9, None), Life(0, 2, 7, None), Life(0, 2, 3, None)),
    16,
    (Demand(), Demand(), Demand(), Demand(external=True)),
)
NAMES = ("conv/1:0", "conv_1_0", "", "input")
ARENA = exact(LIVES, Limits(), SILENCE)


def test_every_life_in_the_arena_has_macros_of_its_own() -> None:
    text = c_header(NAMES, LIVES, ARENA)
    assert "#define HMCOS_ARENA_SIZE 48ULL" in text
    for macro in ("CONV_1_0", "CONV_1_0_1", "UNNAMED"):
        assert f"#define HMCOS_OFFSET_{macro} " in text
    assert "INPUT" not in text


@pytest.mark.skipif(shutil.which("gcc") is None, reason="needs gcc")
@pytest.mark.parametrize("shift", [0, 1])
def test_the_header_compiles_and_a_wrong_offset_does_not(tmp_path: Path, shift: int) -> None:
    text = c_header(NAMES, LIVES, ARENA).replace(
        "define HMCOS_OFFSET_UNNAMED ", f"define HMCOS_OFFSET_UNNAMED {shift} + "
    )
    (tmp_path / "arena.h").write_text(text)
    source = tmp_path / "main.c"
    source.write_text(
        '#include "arena.h"\n#include "arena.h"\n'
        "HMCOS_ALIGNED unsigned char arena[HMCOS_ARENA_SIZE];\nint main(void) { return arena[0]; }\n"
    )
    command = [
        "gcc",
        "-std=c11",
        "-Wall",
        "-Wextra",
        "-Wpedantic",
        "-Werror",
        "-c",
        str(source),
        "-o",
        str(tmp_path / "o"),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode == 0) == (shift == 0), done.stderr


def test_a_prefix_that_is_no_identifier_is_an_error() -> None:
    with pytest.raises(OptionError, match="prefix '1x'"):
        c_header(NAMES, LIVES, ARENA, "1x")
