from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hmcos.words import LONGEST, LONGEST_LINE, human, one_line, printable, shortened


@pytest.mark.slow
@given(st.text())
def test_what_is_printed_obeys_nobody(text: str) -> None:
    assert printable(text).isprintable()


def test_plain_names_stay_as_they_are() -> None:
    assert printable("block_1/conv ключ") == "block_1/conv ключ"
    assert printable("\x1b[2J\n") == "\\x1b[2J\\n"


def test_long_names_lose_their_middle() -> None:
    assert shortened("abcdefgh", 8) == "abcdefgh"
    assert shortened("abcdefghi", 8) == "abcd…ghi"
    assert shortened("abc", 1) == "…"
    assert shortened("abc", 2) == "a…"


@given(st.text(), st.integers(1, 30))
def test_nothing_is_longer_than_it_may_be(text: str, longest: int) -> None:
    assert len(shortened(text, longest)) == min(len(text), longest)


@given(st.text(), st.text(), st.integers(0, 30))
def test_a_message_stays_on_one_line_of_bounded_length(begin: str, value: str, times: int) -> None:
    line = one_line(f"{begin}: {value * times!r} is {value * times}")
    assert line.isprintable()
    assert len(line) <= LONGEST_LINE
    assert one_line(line) == line


@pytest.mark.parametrize("name", ["n" * 10_000, "n " * 5_000, "n'" * 5_000, "n'\"" * 3_000, "\x1b\n" * 5_000])
def test_a_message_keeps_its_ends_whatever_it_repeats(name: str) -> None:
    line = one_line(f"model.onnx: operator 3: {name!r} has no size; bind it with --bind")
    assert line.startswith("model.onnx: operator 3: ")
    assert line.endswith(" has no size; bind it with --bind")
    assert len(line) <= 60 + LONGEST


def test_words_that_are_made_here_stay_as_they_are() -> None:
    line = "no target is called 'tpu'; there are " + ", ".join(["default", "hmcos", "none"] * 15)
    assert one_line(line) == line
    assert one_line("first\r\n  second") == "first second"


def test_human_sizes_have_both_units() -> None:
    assert human(1023) == "1,023 B"
    assert human(2_605_824) == "2,605,824 B = 2.49 MiB"
    assert human(1024) == "1,024 B = 1.00 KiB"
    assert human(1_179_648) == "1,179,648 B = 1.13 MiB"


@pytest.mark.parametrize(
    "value", [" " * 500_000, "'" + "\\'" * 500_000, '"' + '\\"' * 500_000, "'\"" * 500_000]
)
def test_every_character_of_a_message_is_looked_at_once(value: str) -> None:
    # Each took an hour and more when a search began again behind all that did not match.
    line = one_line(f"file: field{value} is wrong; the way out")
    assert line.startswith("file: field")
    assert line.endswith("the way out")
    assert len(line) <= LONGEST_LINE


def test_line_ends_and_the_space_around_them_become_one_space() -> None:
    assert one_line(" a \r\n\t b  c\n\nd ") == "a b  c d"
