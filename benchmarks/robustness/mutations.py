"""Give thousands of damaged files to the commands that read them, and report what must never happen.

python benchmarks/robustness/mutations.py --kind tflite --count 5000 --seed 0
python benchmarks/robustness/mutations.py --kind tflite --seed 0 --only 17 --keep folder
"""

from __future__ import annotations

import argparse
import json
import os
import select
import signal
import sys
import time
from collections import Counter
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bases import Base, bases
from trying import LONGEST, attempt, commands, file_of, hold_limits, written

KINDS = ("onnx", "tflite", "pt2", "plan", "csv", "toml")
SILENCE = 2 * LONGEST
"""Seconds without a message after which a worker is ended."""


@dataclass
class Tally:
    """The outcome for all files of a kind."""

    files: int = 0
    codes: Counter[str] = field(default_factory=Counter[str])
    """How often each command ended with each exit code."""
    slowest: float = 0.0
    faults: list[str] = field(default_factory=list[str])


@dataclass(frozen=True)
class Job:
    """What is to be damaged."""

    kind: str
    files: list[Base]


@dataclass
class Worker:
    """A process that tries every n-th file."""

    process: int
    pipe: int
    share: range
    """The numbers of the files that it still has to try."""
    heard: float
    """When it last sent a message."""
    unread: bytes = b""


def work(options: argparse.Namespace, job: Job, share: range, pipe: int) -> None:
    """Try files and report each through a pipe, as lines of JSON."""
    kind, files = job.kind, job.files
    with TemporaryDirectory(prefix="hmcos-mutations-") as name, os.fdopen(pipe, "w") as speech:
        hold_limits()
        for number in share:
            print(json.dumps({"begun": number}), file=speech, flush=True)
            base = file_of(kind, files, options.seed, number)
            given = Path(name) / "given"
            path = written(base, given)
            running = number % options.verify_every == 0 or number < len(files)
            ended = [attempt(kind, base, given, words) for words in commands(kind, base, path, running)]
            if number < len(files):
                ended = [replace(one, fault=one.fault or "a sound file" * bool(one.code)) for one in ended]
            print(json.dumps({"ended": [asdict(one) for one in ended]}), file=speech, flush=True)


def begin(options: argparse.Namespace, job: Job, share: range) -> Worker:
    """Return a worker for some files."""
    reading, writing = os.pipe()
    process = os.fork()
    if not process:
        os.close(reading)
        try:
            work(options, job, share, writing)
        except BaseException as error:
            print(f"{job.kind}: the worker failed: {error!r}", file=sys.stderr, flush=True)
            os._exit(3)
        os._exit(0)
    os.close(writing)
    return Worker(process, reading, share, time.monotonic())


def hear(worker: Worker, kind: str, tally: Tally) -> bool:
    """Process a message of a worker; return whether the worker goes on."""
    said = os.read(worker.pipe, 1 << 16)
    worker.heard = time.monotonic()
    *lines, worker.unread = (worker.unread + said).split(b"\n")
    for line in lines:
        record: dict[str, Any] = json.loads(line)
        if "begun" in record:
            worker.share = worker.share[worker.share.index(record["begun"]) :]
        else:
            note(kind, worker.share[0], record["ended"], tally)
            worker.share = worker.share[1:]
    return bool(said)


def note(kind: str, number: int, ended: list[dict[str, Any]], tally: Tally) -> None:
    """Count how the commands of one file ended."""
    tally.files += 1
    for one in ended:
        tally.codes[f"{one['command']} {one['code']}"] += 1
        tally.slowest = max(tally.slowest, one["seconds"])
        if one["fault"]:
            tally.faults.append(f"{kind} {number}: {one['command']}: {one['fault']}")
            print(tally.faults[-1], file=sys.stderr, flush=True)


def try_all(options: argparse.Namespace, kind: str) -> Tally:
    """Return the outcome for all files of a kind, tried in the given number of processes."""
    tally, job = Tally(), Job(kind, bases(kind))
    shares = [range(first, options.count, options.jobs) for first in range(options.jobs)]
    workers = [begin(options, job, share) for share in shares]
    while workers:
        ready, _, _ = select.select([worker.pipe for worker in workers], [], [], 1.0)
        for worker in list(workers):
            if worker.pipe in ready and hear(worker, kind, tally):
                continue
            if worker.pipe not in ready and time.monotonic() - worker.heard < SILENCE:
                continue
            workers.remove(worker)
            workers += replacement(options, job, worker, tally)
    return tally


def replacement(options: argparse.Namespace, job: Job, worker: Worker, tally: Tally) -> list[Worker]:
    """Return the worker that replaces one that ended, None if it was done; whatever killed it is a fault."""
    if time.monotonic() - worker.heard >= SILENCE:
        os.kill(worker.process, signal.SIGKILL)
    os.close(worker.pipe)
    status = os.waitstatus_to_exitcode(os.waitpid(worker.process, 0)[1])
    if not worker.share:
        return []
    fault = f"the process ended with {status}"
    note(job.kind, worker.share[0], [{"command": "", "code": None, "seconds": 0.0, "fault": fault}], tally)
    return [begin(options, job, worker.share[1:])] if worker.share[1:] else []


def try_one(options: argparse.Namespace) -> int:
    """Run one file with visible output, keep it, and return its number of faults."""
    base = file_of(options.kind, bases(options.kind), options.seed, options.only)
    given = Path(options.keep).absolute() / "given"
    path = written(base, given)
    hold_limits()
    faults = 0
    for words in commands(options.kind, base, path, running=True):
        one = attempt(options.kind, base, given, words)
        print(f"hmcos {' '.join(words)}\n{(given.parent / 'log').read_text(errors='replace')}")
        print(f"exit code {one.code} after {one.seconds:.2f} s {one.fault}\n")
        faults += bool(one.fault)
    return faults


def main() -> int:
    """Try the files that the command line selects; return whether there were faults."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--kind", choices=(*KINDS, "all"), default="all")
    parser.add_argument("--count", type=int, default=1000, help="files of each kind")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes")
    parser.add_argument("--verify-every", type=int, default=20, help="run what this share of files became")
    parser.add_argument("--only", type=int, help="run the file of this number alone, in the open")
    parser.add_argument("--keep", default="mutations", help="where --only keeps its file")
    options = parser.parse_args()
    if options.only is not None:
        return min(1, try_one(options))
    faults = 0
    for kind in KINDS if options.kind == "all" else (options.kind,):
        begun = time.perf_counter()
        tally = try_all(options, kind)
        faults += len(tally.faults)
        codes = ", ".join(f"{name}: {often:,}" for name, often in sorted(tally.codes.items()))
        print(
            f"{kind}: {tally.files:,} files in {time.perf_counter() - begun:.0f} s, slowest command"
            f" {tally.slowest:.1f} s, {len(tally.faults)} faults; {codes}",
            flush=True,
        )
    return min(1, faults)


if __name__ == "__main__":
    sys.exit(main())
