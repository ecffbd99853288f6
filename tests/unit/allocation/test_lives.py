import pytest

from hmcos.allocation.items import items
from hmcos.allocation.lives import Demand, Lives, Pool
from hmcos.errors import InstanceError
from hmcos.memory.lifetimes import Life

ONE = (Life(0, 4, 8, None),)
TWO = (Life(0, 4, 8, None), Life(2, 6, 8, None))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Lives(ONE, 0), "alignment 0"),
        (lambda: Lives(ONE, 1, (Demand(), Demand())), "2 demands, but 1 lives"),
        (lambda: Lives((Life(3, 2, 8, None),)), r"life 0: \[3, 2\)"),
        (lambda: Lives((Life(0, 2, -8, None),)), "life 0: size -8"),
        (lambda: Lives((Life(0, 2, 8, None, takes_over=0),)), "life 0: takes over life 0"),
        (lambda: Lives((*ONE, Life(2, 6, 8, None, takes_over=0))), "before that one is dead"),
        (lambda: Lives(ONE, 1, (Demand(alignment=0),)), "life 0: alignment 0"),
        (lambda: Lives(ONE, 1, (Demand(external=True, offset=0),)), "external and cannot be pinned"),
        (lambda: Lives(ONE, 1, (Demand(pools=(0,)),)), "pool 0 does not exist"),
        (lambda: Lives(ONE, 1, (Demand(gaps=((3, 5),)),)), r"gap \[3, 5\)"),
        (lambda: Lives(ONE, 4, (Demand(offset=6),)), "pinned at 6.*multiple of 4"),
        (
            lambda: items(
                Lives((*ONE, Life(4, 6, 9, None, takes_over=0)), 1, (Demand(offset=2), Demand(alignment=4)))
            ),
            "life 1: pinned at 2, which is not a multiple of 4",
        ),
        (
            lambda: items(
                Lives(
                    (*ONE, Life(4, 6, 9, None, takes_over=0)),
                    1,
                    (Demand(offset=0), Demand()),
                    (Pool("fast", 8), Pool("slow", 20)),
                )
            ),
            "life 1: pinned at 0, crosses the end of pool 'fast'",
        ),
        (
            lambda: items(
                Lives(
                    (*ONE, Life(4, 6, 0, None, takes_over=0)),
                    1,
                    (Demand(offset=0), Demand(pools=(1,))),
                    (Pool("fast", 8), Pool("slow", 20)),
                )
            ),
            "life 1: pinned at 0, outside the pools it may be in",
        ),
        (lambda: Lives(ONE, 1, (Demand(offset=-1),)), "pinned at -1, which is a negative offset"),
        (lambda: Lives((Life(0, 2, 2**63, None),)), "life 0: size 9223372036854775808"),
        (lambda: Lives(ONE, 1, (Demand(offset=6),), (Pool("fast", 10),)), "crosses the end of pool 'fast'"),
        (lambda: Lives(ONE, 1, (), (Pool("fast", -1),)), "pool 'fast': capacity -1"),
        (
            lambda: items(Lives(TWO, 1, (Demand(offset=0), Demand(offset=4)))),
            "0 and 1 are pinned at overlapping addresses",
        ),
        (
            lambda: items(
                Lives((*ONE, Life(4, 6, 8, None, takes_over=0)), 1, (Demand(external=True), Demand()))
            ),
            "life 1: continues an external life",
        ),
        (
            lambda: items(Lives((*ONE, *[Life(4, 6, 8, None, takes_over=0)] * 2))),
            "two of its continuations are alive at step 4",
        ),
    ],
)
def test_wrong_input_is_an_error_that_names_the_life(make: object, message: str) -> None:
    assert callable(make)
    with pytest.raises(InstanceError, match=message):
        make()
