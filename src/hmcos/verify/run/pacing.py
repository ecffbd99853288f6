"""Limit the processor time of a part of the work, so that what follows still has time."""

from __future__ import annotations

import signal
import threading
from collections.abc import Generator
from contextlib import contextmanager
from types import FrameType

from hmcos.errors import LimitError
from hmcos.verify.run.causes import MORE_TIME

PART = 10
"""The part of the processor time of a run that a slow runtime may take, as a divisor."""


class _TimeIsOverError(BaseException):
    """Not an Exception, so that no runtime takes it for an error of its own."""


@contextmanager
def paced(seconds: float, what: str) -> Generator[None]:
    """Stop what runs in this context, in Python, after so many seconds of processor time.

    Only the main thread of a system with timers is stopped; elsewhere the limit of the process remains.

    Raises:
        LimitError: the time is over; the message begins with `what`.
    """
    if not hasattr(signal, "setitimer") or threading.current_thread() is not threading.main_thread():
        yield
        return
    runs = True

    def stop(number: int, frame: FrameType | None) -> None:
        if runs:
            raise _TimeIsOverError

    before = signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    except _TimeIsOverError:
        raise LimitError(
            f"{what} takes more than {seconds:g} seconds of processor time; {MORE_TIME}"
        ) from None
    finally:
        runs = False
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)
