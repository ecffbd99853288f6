"""The entry of the command line: what a process prints and returns when something is wrong."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from io import TextIOWrapper

import click

from hmcos.cli.commands import hmcos
from hmcos.errors import HmcosError
from hmcos.report.words import printable

WRONG_INPUT, WRONG_USAGE, INTERRUPTED, PIPE_CLOSED = 1, 2, 130, 141


def run(arguments: Sequence[str] | None = None) -> int:
    """Return the exit code of one call of the command line; wrong input is one line on standard error."""
    try:
        code = hmcos.main(arguments, prog_name="hmcos", standalone_mode=False)
        sys.stdout.flush()
    except HmcosError as error:
        return _fail(str(error), WRONG_INPUT)
    except click.UsageError as error:
        return _fail(_usage(error), _usage_code(error))
    except click.ClickException as error:
        return _fail(error.format_message(), WRONG_INPUT)
    except (click.Abort, KeyboardInterrupt):
        return _fail("interrupted; nothing was written", INTERRUPTED)
    except BrokenPipeError:
        # Whoever read our output is gone; Python would complain once more when it closes the stream.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return PIPE_CLOSED
    return code if isinstance(code, int) else 0


def main() -> None:
    """Run the command line and end the process with its exit code."""
    for stream in (sys.stdout, sys.stderr):
        # Names come from files and may not exist in the terminal's character set.
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    sys.exit(run())


def _usage(error: click.UsageError) -> str:
    path = error.ctx.command_path if error.ctx else "hmcos"
    return f"{error.format_message()} See '{path} --help'."


def _usage_code(error: click.UsageError) -> int:
    """Return 1 for a value that does not make sense, 2 for a line that is not understood."""
    is_value = isinstance(error, click.BadParameter) and not isinstance(error, click.MissingParameter)
    return WRONG_INPUT if is_value else WRONG_USAGE


def _fail(message: str, code: int) -> int:
    print("hmcos: error:", printable(" ".join(message.split())), file=sys.stderr)
    return code


if __name__ == "__main__":
    main()
