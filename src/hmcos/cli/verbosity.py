"""-v and -vv: what happens, on standard error."""

from __future__ import annotations

import sys

import click

from hmcos.log import DEBUG, INFO
from hmcos.words import one_line


def with_verbosity(command: click.Command) -> click.Command:
    """Return the command with -v and -vv, once."""
    if not any(param.name == "verbose" for param in command.params):
        command.params.append(
            click.Option(
                ["-v", "--verbose"],
                count=True,
                expose_value=False,
                callback=_listen,
                help="Tell on standard error what is done; -vv: also each step of a search.",
            )
        )
    return command


def _listen(ctx: click.Context, param: click.Parameter, count: int) -> None:
    """Show messages on standard error until the command ends, with the seconds since the start."""
    if not count:
        return
    import logging  # noqa: PLC0415 (takes 10 ms, and few ask for it)

    class Line(logging.Formatter):
        def format(self, record: logging.LogRecord) -> str:
            seconds = record.relativeCreated / 1000
            return f"{seconds:8.3f} s  {record.name}: {one_line(record.getMessage())}"

    logger = logging.getLogger("hmcos")
    before = logger.level, logger.propagate, logger.handlers[:]

    def as_before() -> None:
        logger.setLevel(before[0])
        logger.propagate, logger.handlers[:] = before[1:]

    ctx.call_on_close(as_before)
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Line())
    logger.setLevel(DEBUG if count > 1 else INFO)
    logger.propagate, logger.handlers[:] = False, [handler]
