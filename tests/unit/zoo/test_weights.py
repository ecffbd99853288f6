import struct

import pytest

from hmcos.errors import OptionError
from hmcos.zoo.weights import Drawn, Weights, repeated


def _floats(drawn: Drawn | bytes) -> tuple[float, ...]:
    values = drawn if isinstance(drawn, bytes) else drawn.packed()
    return struct.unpack(f"<{len(values) // 4}f", values)


@pytest.mark.parametrize("count", [0, 1, 4092, 4093, 4094, 20_000])
def test_as_many_numbers_as_asked_for_within_the_bound(count: int) -> None:
    values = _floats(Weights(0).uniform(count, 0.5))
    assert len(values) == count
    assert all(-0.5 <= x <= 0.5 for x in values)


def test_numbers_continue_where_the_last_call_ended() -> None:
    whole, parts = Weights(3), Weights(3)
    assert whole.uniform(9000, 1.0).packed() == (
        parts.uniform(5000, 1.0).packed() + parts.uniform(4000, 1.0).packed()
    )


def test_bytes_are_the_same_numbers_rounded() -> None:
    floats = _floats(Weights(0).uniform(9000, 127.0))
    values = struct.unpack("<9000b", Weights(0).uniform_int8(9000).packed())
    assert all(abs(x - value) <= 0.51 for x, value in zip(floats, values, strict=True))
    assert (min(values), max(values)) == (-127, 127)


def test_bytes_and_floats_continue_each_other() -> None:
    weights = Weights(0)
    weights.uniform_int8(5000)
    assert weights.uniform(10, 1.0).packed() == Weights(0).uniform(5010, 1.0).packed()[-40:]


def test_numbers_fill_the_range_and_depend_on_the_seed() -> None:
    values = _floats(Weights(0).uniform(4093, 1.0))
    assert len(set(values)) > 4000
    assert min(values) < -0.99
    assert max(values) > 0.99
    assert abs(sum(values) / len(values)) < 0.05
    assert Weights(0).uniform(9, 1.0).packed() != Weights(1).uniform(9, 1.0).packed()


def test_numbers_can_be_made_later_and_again() -> None:
    weights = Weights(0)
    first, second = weights.uniform(10, 1.0), weights.uniform(10, 2.0)
    assert second.packed() == second.packed() == Weights(0).uniform(20, 2.0).packed()[40:]
    assert first.packed() == Weights(0).uniform(10, 1.0).packed()


def test_first_numbers_never_change() -> None:
    assert _floats(Weights(0).uniform(2, 1.0)) == pytest.approx((0.6888437, 0.5159088), abs=1e-7)


def test_no_more_than_a_file_can_hold() -> None:
    weights = Weights(0)
    weights.uniform(1000, 1.0)
    with pytest.raises(OptionError, match="over 2 GB of weights"):
        weights.uniform(500_000_000, 1.0)
    with pytest.raises(OptionError, match="over 2 GB of weights"):
        Weights(0).uniform_int8(2_000_000_001)


def test_repeated() -> None:
    assert _floats(repeated(3, 1.0)) == (1.0, 1.0, 1.0)
