from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hmcos.errors import OptionError
from hmcos.memory.size_text import parse_size
from hmcos.report.words.sizes import savings
from hmcos.words import human


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("0", 0),
        ("262144", 262144),
        ("256K", 262144),
        ("256k", 262144),
        ("256KiB", 262144),
        ("256 KB", 256000),
        ("1MiB", 1048576),
        ("1.5 MB", 1500000),
        ("1.5M", 1572864),
        ("2g", 2 * 1024**3),
        ("64B", 64),
        (" 1T ", 1024**4),
    ],
)
def test_sizes_parse(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "K", "-1", "1.5", "0.3K", "1 2", "1e6", "1PB", "1.K", "٣", "9" * 50])
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(OptionError):
        parse_size(text)


@given(st.integers(0, 2**63))
def test_bytes_survive_being_read_by_people(size: int) -> None:
    assert parse_size(human(size).split(" B")[0].replace(",", "")) == size


def test_savings_of_nothing_are_nothing() -> None:
    assert savings(0, 0) == "0.0 %"
    assert savings(200, 150) == "25.0 %"
    assert savings(100, 150) == "-50.0 %"
