"""Inspect, schedule and verify every model below some folders, and print what came of it.

python benchmarks/quality/trial.py FOLDER ... -o now.jsonl         .onnx, .tflite and .pt2 files
python benchmarks/quality/trial.py FOLDER ... --only tflite --time-limit 20 --jobs 1
python benchmarks/quality/trial.py --compare before.jsonl now.jsonl

Every command runs in a process of its own, which may take --patience seconds and --memory MiB. Symbols are
bound to --size, sizes that depend on data to --most. A row is appended to the file of -o as soon as it is
known, and files that it has already are not run again, so that an interrupted trial goes on. The same content
is tried once. A comparison of two such files says what one release takes, proves or saves that the other does
not.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import signal
import statistics
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Timer
from time import perf_counter
from typing import Any

Row = dict[str, Any]
KINDS = ("onnx", "tflite", "pt2")
ENDINGS = {0: "holds", 5: "does not hold", 6: "not run"}
"""Exit code of `hmcos verify` to its meaning."""
ROUNDS = 6
"""Most times that what is still unknown is bound: what an operator makes may depend on those before it."""
HEADINGS = (
    "model",
    "operators",
    "status",
    "given",
    "peak",
    "saved",
    "inspect",
    "schedule",
    "verify",
    "MiB",
    "",
)


@dataclass(frozen=True)
class Limits:
    """What a command may take."""

    time_limit: float
    """Seconds of a search."""
    patience: float
    """Seconds until a command is stopped."""
    memory: int
    """MiB of address space."""
    size: int
    """What symbols are bound to."""
    most: int
    """What sizes that depend on data and have no bound are bound to."""


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    """Its exit code; negative if a signal ended it."""
    said: str
    told: str
    """On standard output, and on standard error."""
    seconds: float
    mebibytes: float
    """The most memory that it had at once, without its child processes."""

    @property
    def error(self) -> str:
        """The message of an error, or how the command ended without one."""
        lines = [line for line in self.told.splitlines() if line.strip()]
        messages = [line for line in lines if line.startswith("hmcos: error: ")]
        if messages:
            return messages[-1].removeprefix("hmcos: error: ")
        return f"exit code {self.code}: {lines[-1] if lines else 'no word'}"


def hmcos(words: Sequence[str], limits: Limits) -> Ended:
    """Return how a command ended, stopping it with all that it started when its time is over."""
    limited = ["sh", "-c", 'ulimit -v "$0"; exec "$@"', str(limits.memory * 1024)]
    with TemporaryDirectory() as folder:
        said, told = Path(folder, "said"), Path(folder, "told")
        begun = perf_counter()
        with said.open("wb") as output, told.open("wb") as errors:
            process = subprocess.Popen(
                [*limited, sys.executable, "-m", "hmcos", *words],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=errors,
                start_new_session=True,
            )
            timer = Timer(limits.patience, os.killpg, (process.pid, signal.SIGKILL))
            timer.start()
            _, status, usage = os.wait4(process.pid, 0)
            timer.cancel()
        process.returncode = os.waitstatus_to_exitcode(status)
        seconds = perf_counter() - begun
        texts = [path.read_text(encoding="utf-8", errors="replace") for path in (said, told)]
    return Ended(process.returncode, texts[0], texts[1], seconds, usage.ru_maxrss / 1024)


def tried(path: Path, limits: Limits) -> Row:
    """Return what came of a model."""
    row: Row = {"model": str(path), "content": _digest(path), "seconds": {"inspect": 0.0}, "bound": []}
    binding: list[str] = []
    for _ in range(ROUNDS):
        looked = hmcos(["inspect", str(path), "--json", *binding], limits)
        row["seconds"]["inspect"] += looked.seconds
        if looked.code:
            return row | {"refused": looked.error}
        seen: Row = json.loads(looked.said)
        unbound: list[str] = seen.get("unbound") or []
        row["operators"] = seen["operators"]
        row["bound"] += unbound
        for name in unbound:
            binding += ["--bind", f"{name}={limits.size if name in seen['symbols'] else limits.most}"]
        if not unbound:
            break
    with TemporaryDirectory() as folder:
        words = ["schedule", str(path), "-o", folder, "--json", "--time-limit", str(limits.time_limit)]
        made = hmcos([*words, *binding], limits)
        row["seconds"]["schedule"], row["mebibytes"] = made.seconds, made.mebibytes
        if made.code:
            return row | {"refused": made.error}
        plan = json.loads(made.said)
        row |= {key: plan[key] for key in ("status", "given_peak", "peak", "lower_bound")}
        ran = hmcos(["verify", str(path), str(Path(folder, "plan.json")), "--json"], limits)
    row["seconds"]["verify"] = ran.seconds
    row["verify"] = ENDINGS.get(ran.code) or ran.error
    if ran.code and ran.said:
        checks: list[Row] = json.loads(ran.said)["checks"]
        row["why"] = [f"{each['check']}: {each['words']}" for each in checks if each["answer"] != "holds"]
    return row


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def reason(row: Row) -> str:
    """Return why a model was refused, without what differs from model to model."""
    text = row["refused"].removeprefix(f"{row['model']}: ")
    text = re.sub(r"'[^']*'|\[[^\]]*\]", "...", text)
    return re.sub(r"\d[\d,]*", "N", text)[:100]


def cells(row: Row) -> list[str]:
    """Return a row of the table."""
    seconds = [f"{row['seconds'][name]:.1f}" if name in row["seconds"] else "" for name in HEADINGS[6:9]]
    memory = f"{row['mebibytes']:.0f}" if "mebibytes" in row else ""
    name = Path(row["model"]).name
    if "refused" in row:
        return [name, str(row.get("operators", "")), "refused", "", "", "", *seconds, memory, row["refused"]]
    sizes = (f"{row[key]:,}" for key in ("given_peak", "peak"))
    ending = row["verify"] + "".join(f"; {text}" for text in row.get("why", ()))
    return [
        name,
        f"{row['operators']:,}",
        row["status"],
        *sizes,
        f"{saved(row):.1%}",
        *seconds,
        memory,
        ending,
    ]


def saved(row: Row) -> float:
    """Return which share of the given peak the plan saves."""
    return 1 - row["peak"] / row["given_peak"] if row["given_peak"] else 0.0


def summary(rows: Sequence[Row]) -> str:
    """Return what all rows say together."""
    taken = [row for row in rows if "refused" not in row]
    statuses = Counter(row["status"] for row in taken)
    endings = Counter(row["verify"] for row in taken)
    gains = sorted((saved(row) for row in taken), reverse=True)
    reasons = Counter(reason(row) for row in rows if "refused" in row)
    lines = [
        f"{len(taken)} of {len(rows)} models are taken ({len(taken) / max(1, len(rows)):.1%})",
        f"status: {_counted(statuses)}",
        f"verify: {_counted(endings)}",
        f"{sum(gain > 0 for gain in gains)} need less than as given; the most saved is"
        f" {max(gains, default=0.0):.1%}",
    ]
    return "\n".join([*lines, *(f"refused, {count}: {why}" for why, count in reasons.most_common())])


def _counted(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in sorted(counts.items(), key=lambda each: -each[1]))


def differences(before: Iterable[Row], after: Iterable[Row]) -> Iterator[str]:
    """Yield what is different about the models that two trials have in common, and how the times compare."""
    earlier = {row["content"]: row for row in before}
    ratios: list[float] = []
    for row in after:
        old = earlier.get(row["content"])
        if old is None:
            continue
        name = Path(row["model"]).name
        if "refused" in row or "refused" in old:
            if "refused" not in old:
                yield f"{name}: taken before, now refused: {row['refused']}"
            elif "refused" not in row:
                yield f"{name}: refused before, now {row['status']}"
            continue
        for key in ("status", "given_peak", "peak", "lower_bound", "verify"):
            if old[key] != row[key]:
                yield f"{name}: {key} {old[key]} -> {row[key]}"
        ratios.append(row["seconds"]["schedule"] / old["seconds"]["schedule"])
    if ratios:
        middle = statistics.median(ratios)
        yield f"time of schedule, now to before: median {middle:.2f} of {len(ratios)} models"


def rows_in(path: Path) -> list[Row]:
    """Return the rows of a file; one that was cut off at the end is left out."""
    if not path.exists():
        return []
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    return [json.loads(line) for line in lines if line.endswith("\n")]


def models_in(folders: Iterable[Path], kinds: Sequence[str]) -> list[Path]:
    """Return the models below some folders, the same content once."""
    paths = (path for folder in folders for path in sorted(folder.rglob("*")))
    models = [path for path in paths if path.suffix[1:] in kinds and path.is_file()]
    return list({_digest(path): path for path in reversed(models)}.values())[::-1]


def arguments() -> argparse.Namespace:
    """Return the options of the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folders", nargs="*", type=Path)
    parser.add_argument("-o", "--output", type=Path)
    parser.add_argument("--compare", nargs=2, type=Path, metavar=("BEFORE", "NOW"))
    parser.add_argument("--only", action="append", choices=KINDS)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--time-limit", type=float, default=30.0, help="seconds of each search")
    parser.add_argument("--patience", type=float, default=300.0, help="seconds of each command")
    parser.add_argument("--memory", type=int, default=8192, help="MiB of address space of each command")
    parser.add_argument("--size", type=int, default=1, help="for symbols")
    parser.add_argument(
        "--most", type=int, default=64, help="for sizes that depend on data and have no bound"
    )
    return parser.parse_args()


def main() -> None:
    """Run the trial, or compare two."""
    wanted = arguments()
    if wanted.compare:
        for text in differences(*map(rows_in, wanted.compare)):
            print(text)
        return
    limits = Limits(wanted.time_limit, wanted.patience, wanted.memory, wanted.size, wanted.most)
    known = {row["model"]: row for row in (rows_in(wanted.output) if wanted.output else [])}
    paths = models_in(wanted.folders, wanted.only or KINDS)
    rows = [known[str(path)] for path in paths if str(path) in known]
    print(f"| {' | '.join(HEADINGS)} |\n|{' --- |' * len(HEADINGS)}", flush=True)
    for row in rows:
        print(f"| {' | '.join(cells(row))} |")
    with ThreadPoolExecutor(wanted.jobs) as pool:
        new = [path for path in paths if str(path) not in known]
        for row in pool.map(partial(tried, limits=limits), new):
            rows.append(row)
            print(f"| {' | '.join(cells(row))} |", flush=True)
            if wanted.output:
                with wanted.output.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(row) + "\n")
    print(summary(rows))


if __name__ == "__main__":
    main()
