"""What the tests have called in a process of its own."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress

from hmcos.processes import most_memory, send


def backwards(request: bytes) -> bytes:
    print("this is not the answer")
    os.write(1, b"nor is this\n")
    return request[::-1]


def holding(request: bytes) -> bytes:
    """Return the most memory that the process had after it held as many bytes as the request says."""
    held = bytearray(int(request))
    held[::4096] = b"." * len(held[::4096])
    return str(most_memory()).encode()


def nothing(request: bytes) -> bytes:
    return request[:0]


def refusing(request: bytes) -> bytes:
    raise ValueError(f"cannot take {request!r}")


def killed(request: bytes) -> bytes:
    os.kill(os.getpid(), signal.SIGKILL)
    return request


def half_answered_and_killed(request: bytes) -> bytes:
    send(request[:2])
    return killed(request)


def half_answered_and_asleep(request: bytes) -> bytes:
    send(request[:2])
    time.sleep(3600)
    return request


def answered_in_parts(request: bytes) -> bytes:
    send(request[:2])
    return request[2:]


def interrupted(request: bytes) -> bytes:
    os.kill(os.getpid(), signal.SIGINT)
    return request


def busy(request: bytes) -> bytes:
    while True:
        pass


def greedy(request: bytes) -> bytes:
    return bytes(1 << 40)


def sleeping(request: bytes) -> bytes:
    """Tell that it runs, by a byte in the named pipe that it keeps open until it ends."""
    _tell(request)
    time.sleep(3600)
    return b""


def deaf(request: bytes) -> bytes:
    """Do the same, but let no other thread run meanwhile, as native code may."""
    _tell(request)
    ctypes.PyDLL(None).sleep(3600)
    return b""


def _tell(request: bytes) -> None:
    # Never closed: whoever reads there learns of the end of this process.
    os.write(os.open(request, os.O_WRONLY), b".")


def path(request: bytes) -> bytes:
    return "\n".join(sys.path).encode()


def has_limits(request: bytes) -> bytes:
    import resource  # noqa: PLC0415 (it is not on every platform)

    return repr([resource.getrlimit(k) for k in (resource.RLIMIT_AS, resource.RLIMIT_CPU)]).encode()


def serving(greeting: bytes) -> Callable[[bytes], bytes]:
    """Return what answers each request; a few of them have an effect."""

    def answer(request: bytes) -> bytes:
        effect = EFFECTS.get(request)
        return greeting + request[::-1] if effect is None else effect()

    return answer


def _print() -> bytes:
    print("to standard output", flush=True)
    os.write(1, b"to the descriptor\n")
    return b"printed"


def _exit() -> bytes:
    print("the last words", file=sys.stderr)
    sys.exit(3)


def _raise() -> bytes:
    raise ValueError("no")


def _abort() -> bytes:
    os.write(2, b"terminate called after throwing an instance of 'std::bad_alloc'\n")
    os.abort()


def _memory() -> bytes:
    import resource  # noqa: PLC0415 (not everywhere)

    return str(resource.getrlimit(resource.RLIMIT_AS)[0]).encode()


def _greedy() -> bytes:
    try:
        return greedy(b"")
    except MemoryError:
        return b"MemoryError"


def _sleep() -> bytes:
    time.sleep(3600)
    return b""


def _read() -> bytes:
    return sys.stdin.buffer.read() + subprocess.run(["cat"], check=True, stdout=subprocess.PIPE).stdout


def _leave_a_program() -> bytes:
    """End, but leave a program that lives on; the last words are its number."""
    sleeping = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(3600)"])
    print(sleeping.pid, file=sys.stderr, flush=True)
    os._exit(5)


def _leave_a_copy() -> bytes:
    """End, but leave a copy that lives on; the last words are its number."""
    if copy := os.fork():
        print(copy, file=sys.stderr, flush=True)
        os._exit(5)
    return _sleep()


def _go_on_twice() -> bytes:
    """Return the number of a copy; the copy returns it as well."""
    return str(os.fork() or os.getpid()).encode()


def _write_everywhere() -> bytes:
    for descriptor in range(3, 32):
        with suppress(OSError):
            os.write(descriptor, b"A" * 64)
    return b""


def _flood() -> bytes:
    for _ in range(64):
        os.write(1, b"x" * (1 << 20))
    return b"printed"


def unready(greeting: bytes) -> Callable[[bytes], bytes]:
    """End before any request is answered."""
    raise ValueError("not ready")


EFFECTS: dict[bytes, Callable[[], bytes]] = {
    b"print": _print,
    b"exit": _exit,
    b"kill": lambda: killed(b""),
    b"raise": _raise,
    b"abort": _abort,
    b"memory": _memory,
    b"greedy": _greedy,
    b"sleep": _sleep,
    b"read": _read,
    b"leave a program": _leave_a_program,
    b"leave a copy": _leave_a_copy,
    b"go on twice": _go_on_twice,
    b"write everywhere": _write_everywhere,
    b"flood": _flood,
    b"number": lambda: str(os.getpid()).encode(),
}
