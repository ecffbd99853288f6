from __future__ import annotations

import pytest

from hmcos.backends.c.naming import Naming, name_for
from hmcos.errors import OptionError


@pytest.mark.parametrize("name", ["", "3d", "a-b", "int", 'x";', "_x", "stdint", "String"])
def test_names_that_c_does_not_have(name: str) -> None:
    with pytest.raises(OptionError, match="name"):
        Naming(name)


def test_sections_cannot_end_their_quotes() -> None:
    with pytest.raises(OptionError, match="section"):
        Naming("net", flash='.text")))')


@pytest.mark.parametrize(
    ("stem", "name"),
    [
        ("person_detect", "person_detect"),
        ("3d-net", "model_3d_net"),
        ("int", "int_model"),
        ("stdint", "stdint_model"),
    ],
)
def test_files_give_names(stem: str, name: str) -> None:
    assert name_for(stem) == name
    Naming(name_for(stem))


def test_constants_and_the_arena_need_sections_of_their_own() -> None:
    with pytest.raises(OptionError, match="both constants and the arena"):
        Naming("net", flash=".same", ram=".same")
