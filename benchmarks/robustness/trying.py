"""Give one damaged file to the commands that read its kind, and report outcomes that must never happen."""

from __future__ import annotations

import os
import re
import resource
import shutil
import signal
import time
import traceback
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random

from bases import Base
from damage import damaged

from hmcos.__main__ import run

PATIENCE = 20
"""Seconds of processor time that a command may take in its process."""
LONGEST = 6 * PATIENCE
"""Seconds of wall-clock time that it may take with its child processes, on a busy machine."""
MEMORY = 2 * 2**30
"""Bytes that a command may take beyond what the process had before."""
CODES = {0, 1, 2, 3, 4, 5, 6}
WRONG = (1, 2)
DOES_NOT_HOLD = 5
MODELS = ("onnx", "tflite", "pt2")


class TooLong(BaseException):
    """A command has used up its time."""


@dataclass(frozen=True)
class Ended:
    """How one command ended."""

    command: str
    code: int | None
    """None if it raised an exception."""
    seconds: float
    fault: str
    """What is wrong; empty if nothing is."""


def file_of(kind: str, files: list[Base], seed: int, number: int) -> Base:
    """Return the damaged file of a number, with what stands beside it; the first ones are sound."""
    if number < len(files):
        return files[number]
    rng = Random(f"{kind} {seed} {number}")
    base = rng.choice(files)
    return Base(base.name, damaged(kind, base.content, rng), base.beside)


def written(base: Base, folder: Path) -> Path:
    """Return the path of a file that was written into an emptied folder."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for name, content in [*base.beside.items(), (base.name, base.content)]:
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(content)
    return folder / base.name


def commands(kind: str, base: Base, path: Path, running: bool) -> Iterator[list[str]]:
    """Yield command lines; those after the first of a model need what the ones before wrote.

    With `running`, what was planned is also verified by running it, which takes seconds.
    """
    home = path.parents[base.name.count("/")]
    out, model = home / "out", home / next(iter(base.beside), "")
    if kind in MODELS:
        yield ["inspect", str(path)]
        yield ["schedule", str(path), "-o", str(out), *_bound(base.content)]
        if running and (out / "plan.json").exists():
            patience = "60" if kind == "pt2" else "15"  # torch alone takes seconds to import
            yield ["verify", str(path), str(out / "plan.json"), "--runs", "1", "--time-limit", patience]
    elif kind == "plan":
        yield ["report", str(path), "-o", str(home / "page.html"), "-l", "1", "--model", str(model)]
        if running or model.suffix == ".json":
            yield ["verify", str(model), str(path), "--runs", "1", "--time-limit", "15"]
    elif kind == "csv":
        yield ["arena", str(path), "-o", str(home / "placed.csv")]
        yield ["arena", str(path), "--capacity", "100"]
    else:
        yield ["inspect", str(model), "--target", str(path)]
        yield ["schedule", str(model), "--target", str(path), "-o", str(out)]


def _bound(content: bytes) -> list[str]:
    """Return the options that bind the symbolic size of an exported program, if it has one."""
    symbol = re.search(rb'"(s\d+)": \{"min_val"', content)
    return ["--bind", f"{symbol[1].decode()}=8"] if symbol else []


def attempt(kind: str, base: Base, folder: Path, words: list[str]) -> Ended:
    """Return how a command ended; standard output and error go to a file beside the folder for so long."""
    log, begun = folder.parent / "log", time.perf_counter()
    code, fault = None, ""
    with _captured(log):
        signal.setitimer(signal.ITIMER_PROF, PATIENCE)
        signal.setitimer(signal.ITIMER_REAL, LONGEST)
        try:
            code = run(words)
        except TooLong:
            fault = f"hang: {_last_frames()}"
        except MemoryError:
            fault = f"memory: more than {MEMORY:,} bytes: {_last_frames()}"
        except BaseException as error:
            fault = f"traceback: {type(error).__name__}: {error}: {_last_frames()}"
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)
            signal.setitimer(signal.ITIMER_REAL, 0)
    said = log.read_text(errors="replace")
    fault = fault or _fault(kind, base, folder, code, said)
    return Ended(words[0], code, time.perf_counter() - begun, fault)


def _fault(kind: str, base: Base, folder: Path, code: int | None, said: str) -> str:
    """Return what is wrong with the way in which a command ended, empty for nothing."""
    lines = [line for line in said.splitlines() if line.startswith("hmcos: error:")]
    if "Traceback (most recent call last)" in said:
        return f"traceback: {said[-600:]}"
    # What was planned a moment ago holds; but TFLM takes more than we count where docs/tflite.md says so.
    fails = code == DOES_NOT_HOLD and kind in MODELS and "does not hold: arena in TFLM\n" not in said
    if code not in CODES or fails:
        return f"exit code {code}: {' '.join(said.split())[-600:]}"
    if code in WRONG and (len(lines) != 1 or not said.rstrip().endswith(lines[0].rstrip())):
        return f"message: {said[-300:]!r}"
    if any((folder / name).read_bytes() != content for name, content in _given(base)):
        return "a file that was given is changed"
    left = [file.name for file in folder.rglob("*.part")]
    if code in WRONG and kind != "plan" and (folder / "out").exists():
        left.append("out")
    return f"left over: {left}" if left else ""


def _given(base: Base) -> list[tuple[str, bytes]]:
    return [*base.beside.items(), (base.name, base.content)]


def _last_frames() -> str:
    """Return where an exception came from."""
    lines = traceback.format_exc().strip().splitlines()
    return " | ".join(line.strip() for line in lines[-7:])


@contextmanager
def _captured(log: Path) -> Generator[None]:
    """Send both streams of this process and of its children to a file."""
    kept = [os.dup(1), os.dup(2)]
    with log.open("wb") as file:
        for stream in (1, 2):
            os.dup2(file.fileno(), stream)
    try:
        yield
    finally:
        for stream, old in zip((1, 2), kept, strict=True):
            os.dup2(old, stream)
            os.close(old)


def hold_limits() -> None:
    """Limit the time and memory of the commands of this process."""

    def ring(*_: object) -> None:
        raise TooLong

    signal.signal(signal.SIGALRM, ring)
    signal.signal(signal.SIGPROF, ring)
    size = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (size + MEMORY, size + MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
