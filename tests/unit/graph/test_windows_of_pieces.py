"""Maps from outputs to inputs, held to what operators read one by one."""

from __future__ import annotations

from itertools import product

import pytest

from hmcos.graph.windows import Bordered, Interval, Spread, Window, same_pads

KERNELS = [
    (kernel, stride, pad, beyond)
    for kernel, stride, pad, beyond in product(range(1, 6), range(1, 4), range(3), range(2))
    if kernel >= stride and kernel > pad
]


@pytest.mark.parametrize(("kernel", "stride", "pad", "beyond"), KERNELS)
def test_a_transposed_convolution_reads_all_that_reaches_an_output(
    kernel: int, stride: int, pad: int, beyond: int
) -> None:
    inputs = 5
    size = (inputs - 1) * stride + kernel - 2 * pad + beyond
    spread = Spread(inputs, kernel, stride, pad)
    for begin in range(size):
        for end in range(begin + 1, size + 1):
            made = spread.made(Interval(begin, end), size)
            read = spread.needed(made)
            assert 0 <= read.begin < read.end <= inputs
            assert made.begin <= begin
            assert made.end >= end
            assert made.begin == read.begin * stride - pad
            assert made.length >= (read.length - 1) * stride + kernel
            reaching = [
                i for i in range(inputs) for o in range(begin, end) if 0 <= o + pad - i * stride < kernel
            ]
            assert all(read.begin <= i < read.end for i in reaching)


@pytest.mark.parametrize(("before", "behind"), [(0, 0), (1, 1), (0, 2), (2, 1)])
def test_a_tile_with_a_rim_sees_what_the_whole_sees(before: int, behind: int) -> None:
    size, window = 7, Bordered(before, behind)
    for begin in range(size):
        for end in range(begin + 1, size + 1):
            made = window.made(Interval(begin, end), size)
            assert window.needed(made) == made
            for o in range(begin, end):
                sees = Interval(o - before, o + behind + 1)
                in_tile = Interval(max(sees.begin, made.begin), min(sees.end, made.end))
                assert in_tile == sees.within(size)


@pytest.mark.parametrize("kernel", range(1, 7))
@pytest.mark.parametrize("stride", range(1, 5))
def test_a_tile_of_a_strided_mean_is_padded_as_the_image_is(kernel: int, stride: int) -> None:
    for inputs in range(1, 14):
        pad = same_pads(inputs, Window(kernel, stride))[0]
        outputs, last = -(-inputs // stride), (inputs - 1) % stride + 1
        window = Bordered(pad, kernel - 1 - pad, stride, last)
        for begin in range(outputs):
            for end in range(begin + 1, outputs + 1):
                made = window.made(Interval(begin, end), outputs)
                assert made.begin <= begin
                assert made.end >= end
                read = window.needed(made)
                assert read == read.within(inputs)
                assert -(-read.length // stride) == made.length
                assert same_pads(read.length, Window(kernel, stride))[0] == pad
                for o in range(begin, end):
                    sees = Interval(o * stride - pad, o * stride - pad + kernel)
                    in_tile = Interval(max(sees.begin, read.begin), min(sees.end, read.end))
                    assert in_tile == sees.within(inputs)
