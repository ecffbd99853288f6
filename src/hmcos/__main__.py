"""The entry point of the command line; it turns errors into one line and an exit code."""

from __future__ import annotations

import errno
import os
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from io import TextIOWrapper

import click

from hmcos.cli.commands import hmcos
from hmcos.errors import HmcosError, OptionError
from hmcos.words import meant, one_line

NAMELESS = {
    errno.ENOENT: "the current folder",
    **dict.fromkeys((errno.EMFILE, errno.ENFILE, errno.EAGAIN, errno.ENOMEM), "the system"),
}
"""What a system error concerns, by its number, if it names no file; by default the standard output."""
WRONG_INPUT, WRONG_USAGE, INTERRUPTED, PIPE_CLOSED = 1, 2, 130, 141


def run(
    arguments: Sequence[str] | None = None, command: click.Command = hmcos, program: str = "hmcos"
) -> int:
    """Run the command line once and return its exit code; wrong input prints one line on standard error."""
    try:
        code = command.main(arguments, prog_name=program, standalone_mode=False)
        sys.stdout.flush()
    except click.exceptions.NoArgsIsHelpError as error:
        print(error.format_message(), file=sys.stderr)
        return WRONG_USAGE
    except (HmcosError, click.ClickException, MemoryError) as error:
        return _fail(program, *_explanation(error, program))
    except (click.Abort, KeyboardInterrupt):
        return _fail(program, "interrupted; no file is half written", INTERRUPTED)
    except OSError as error:
        _give_up_output()
        if isinstance(error, BrokenPipeError):
            return PIPE_CLOSED
        place = error.filename or NAMELESS.get(error.errno or 0, "standard output")
        return _fail(program, f"{place}: {error.strerror}", WRONG_INPUT)
    return code if isinstance(code, int) else 0


def main(command: click.Command = hmcos, program: str = "hmcos") -> None:
    """Run the command line and end the process with its exit code."""
    # A stream is None if the process was started with it closed.
    sys.stdout = sys.stdout or open(os.devnull, "w")  # noqa: PTH123, SIM115
    sys.stderr = sys.stderr or open(os.devnull, "w")  # noqa: PTH123, SIM115
    for stream in (sys.stdout, sys.stderr):
        # Names from files may contain characters that the terminal cannot show.
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    _clean_up_when_ended()
    sys.exit(run(None, command, program))


def _clean_up_when_ended() -> None:
    """Let a signal that ends the process clean up first; a second one ends it at once."""
    for name in ("SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        # Keep a signal ignored if the parent process ignores it, as nohup does.
        if number is not None and signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, _end)


def _end(number: int, frame: object) -> None:
    del frame
    signal.signal(number, signal.SIG_DFL)
    sys.exit(128 + number)


def op_sched() -> None:
    """Run the program of the published system and end the process with its exit code."""
    from hmcos.cli.op_sched import op_sched as command  # noqa: PLC0415 (hmcos does not need it)
    from hmcos.cli.verbosity import with_verbosity  # noqa: PLC0415

    main(with_verbosity(command), "op_sched")


def _give_up_output() -> None:
    """Discard further output, since its reader is gone or the disk is full.

    Otherwise Python would report the error once more when it closes the stream.
    """
    with suppress(OSError):  # the stream may have no descriptor, or no more files can be opened
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _explanation(error: HmcosError | click.ClickException | MemoryError, program: str) -> tuple[str, int]:
    """Return the message and the exit code: 2 for wrong usage, 1 for wrong input."""
    if isinstance(error, MemoryError):
        return "there is not enough memory for this; free some, or raise its limit", WRONG_INPUT
    if isinstance(error, HmcosError):
        return str(error), WRONG_USAGE if isinstance(error, OptionError) else WRONG_INPUT
    if not isinstance(error, click.UsageError):
        return error.format_message(), WRONG_INPUT
    path, told = error.ctx.command_path if error.ctx else program, error.format_message()
    if isinstance(error, click.NoSuchOption):
        told = f"No such option {error.option_name!r}.{meant(error.option_name, _options(error))}"
    stop = "" if told.endswith((".", "?")) else "."
    return f"{told}{stop} See '{path} --help'.", WRONG_USAGE


def _options(error: click.NoSuchOption) -> list[str]:
    """Return the options of the command that was given an unknown option."""
    return [name for one in error.ctx.command.params for name in one.opts] if error.ctx else []


def _fail(program: str, message: str, code: int) -> int:
    print(f"{program}: error:", one_line(message), file=sys.stderr)
    return code


if __name__ == "__main__":
    main()
