"""Arguments and options that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from math import inf, nan
from typing import Any, TypeVar

import click
from click.shell_completion import CompletionItem

from hmcos.allocation.planner_table import names as allocator_names
from hmcos.errors import OptionError
from hmcos.frontends.kernel_table import DEFAULT
from hmcos.frontends.kernel_table import names as kernel_names
from hmcos.memory.size_text import parse_size
from hmcos.memory.target import target_names
from hmcos.schedulers.scheduler_table import names as scheduler_names
from hmcos.zoo.catalogue import names as zoo_names

_Command = TypeVar("_Command", bound=Callable[..., Any])


class Size(click.ParamType[int]):
    """Bytes, as a number or with a unit."""

    name = "SIZE"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return the bytes; report a text that is not a size as wrong usage."""
        try:
            return value if isinstance(value, int) else parse_size(str(value))
        except OptionError as error:
            self.fail(str(error), param, ctx)


class Share(click.ParamType[float]):
    """A part of something, as a number or in percent."""

    name = "SHARE"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return the part; report a text that is none as wrong usage."""
        text = str(value).strip()
        try:
            part = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
        except ValueError:
            part = nan
        if not 0 <= part < inf:
            self.fail(f"{text!r} is no part of something; write 5% or 0.05", param, ctx)
        return part


class Symbol(click.ParamType[tuple[str, int]]):
    """NAME=VALUE: the size of a symbolic dimension, or the value of an input."""

    name = "NAME=VALUE"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, int]:
        """Return name and value; raises OptionError if the text is not such a pair."""
        symbol, equals, size = str(value).rpartition("=")
        if not equals or not symbol or not size.strip().removeprefix("-").isdecimal() or len(size) > 20:
            raise OptionError(f"--bind {value}: write NAME=VALUE with a whole number, such as --bind batch=1")
        return symbol, int(size)


def complete_schedulers(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Return the schedulers whose names begin as typed."""
    return [CompletionItem(name) for name in scheduler_names() if name.startswith(incomplete)]


def complete_allocators(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Return the planners whose names begin as typed."""
    return [CompletionItem(name) for name in allocator_names() if name.startswith(incomplete)]


def complete_targets(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Return the shipped targets whose names begin as typed, and files."""
    items = [CompletionItem(name) for name in target_names() if name.startswith(incomplete)]
    return [*items, CompletionItem(incomplete, type="file")]


def complete_kernels(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Return the kernels whose names begin as typed."""
    return [CompletionItem(name) for name in kernel_names() if name.startswith(incomplete)]


def complete_models(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Return the networks of the zoo once zoo: is typed, otherwise files."""
    if not incomplete.startswith("zoo:"):
        return [CompletionItem(incomplete, type="file")]
    return [CompletionItem(f"zoo:{name}") for name in zoo_names() if f"zoo:{name}".startswith(incomplete)]


def model_argument(command: _Command) -> _Command:
    """Return the command with MODEL: a path or zoo:NAME."""
    return click.argument("model", shell_complete=complete_models)(command)


def target_option(command: _Command) -> _Command:
    """Return the command with --target."""
    return click.option(
        "-t",
        "--target",
        default="default",
        show_default=True,
        metavar="NAME|FILE.toml",
        shell_complete=complete_targets,
        help="What may share memory: default, hmcos, none, onnxruntime, tflm, torch, torch-cuda, "
        "or a file (docs/targets.md).",
    )(command)


def kernels_option(command: _Command) -> _Command:
    """Return the command with --kernels."""
    return click.option(
        "--kernels",
        metavar="NAME",
        shell_complete=complete_kernels,
        help="For .tflite models: whose kernels the firmware is built with, as their scratch differs: "
        f"{', '.join(kernel_names())}.  [default: {DEFAULT}]",
    )(command)


def bind_option(command: _Command) -> _Command:
    """Return the command with --bind."""
    return click.option(
        "-b",
        "--bind",
        type=Symbol(),
        multiple=True,
        help="Set the size of a symbolic dimension, or of one without a name: INPUT:AXIS=VALUE; or the value "
        "of an input that decides sizes or branches: INPUT=VALUE, INPUT[0]=VALUE; can be repeated.",
    )(command)


def alignment_option(command: _Command) -> _Command:
    """Return the command with --alignment."""
    return click.option(
        "--alignment", type=Size(), help="Round buffers up to a multiple of this; replaces the target's."
    )(command)


def allocator_option(default: str | None) -> Callable[[_Command], _Command]:
    """Return a decorator that gives a command --allocator."""

    def decorate(command: _Command) -> _Command:
        return click.option(
            "--allocator",
            default=default,
            metavar="NAME",
            shell_complete=complete_allocators,
            help=f"How to find the offsets: {', '.join(allocator_names())}.  [default: auto]",
        )(command)

    return decorate


def json_option(command: _Command) -> _Command:
    """Return the command with --json."""
    return click.option(
        "-j",
        "--json",
        "as_json",
        is_flag=True,
        help="Print one JSON object instead of tables (docs/json.md).",
    )(command)


def time_limit_option(meaning: str) -> Callable[[_Command], _Command]:
    """Return a decorator that gives a command --time-limit."""

    def decorate(command: _Command) -> _Command:
        return click.option("-l", "--time-limit", type=float, metavar="SECONDS", help=meaning)(command)

    return decorate


def jobs_option(command: _Command) -> _Command:
    """Return the command with --jobs."""
    return click.option(
        "--jobs",
        type=int,
        metavar="N",
        help="Processes that may search for an order, once that takes more than 2 seconds: the same order is "
        "proved sooner.  [default: all cores]",
    )(command)


def output_option(metavar: str, meaning: str) -> Callable[[_Command], _Command]:
    """Return a decorator that gives a command --output, for results that may be left out."""

    def decorate(command: _Command) -> _Command:
        kind = click.Path(readable=False)
        return click.option("-o", "--output", metavar=metavar, type=kind, help=meaning)(command)

    return decorate


def budget_option(meaning: str) -> Callable[[_Command], _Command]:
    """Return a decorator that gives a command --budget."""

    def decorate(command: _Command) -> _Command:
        return click.option("--budget", type=Size(), help=meaning)(command)

    return decorate


def overwrite_option(meaning: str) -> Callable[[_Command], _Command]:
    """Return a decorator that gives a command --overwrite."""

    def decorate(command: _Command) -> _Command:
        return click.option("--overwrite", is_flag=True, help=meaning)(command)

    return decorate
