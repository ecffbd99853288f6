from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from hmcos.report.words import printable


@given(st.text())
def test_what_is_printed_obeys_nobody(text: str) -> None:
    assert printable(text).isprintable()


def test_plain_names_stay_as_they_are() -> None:
    assert printable("block_1/conv ключ") == "block_1/conv ключ"
    assert printable("\x1b[2J\n") == "\\x1b[2J\\n"
