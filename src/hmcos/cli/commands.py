"""The command `hmcos` and its subcommands, each imported when it is called."""

from __future__ import annotations

from typing import cast

import click

from hmcos import __version__
from hmcos.cli.verbosity import with_verbosity
from hmcos.registry import imported
from hmcos.words import meant

COMMANDS: dict[str, str] = {
    "schedule": "hmcos.cli.schedule:schedule",
    "compile": "hmcos.cli.compile:compile_",
    "evaluate": "hmcos.cli.evaluate:evaluate",
    "inspect": "hmcos.cli.inspect:inspect",
    "compare": "hmcos.cli.compare:compare",
    "arena": "hmcos.cli.arena:arena",
    "verify": "hmcos.cli.verify:verify",
    "measure": "hmcos.cli.measure:measure",
    "explain": "hmcos.cli.explain:explain",
    "report": "hmcos.cli.report:report",
    "draw": "hmcos.cli.draw:draw",
    "zoo": "hmcos.cli.zoo:zoo",
}
"""Name to "module:function", in the order in which the help lists them."""

ALIASES: dict[str, str] = {
    "s": "schedule",
    "k": "compile",
    "b": "evaluate",
    "i": "inspect",
    "c": "compare",
    "a": "arena",
    "v": "verify",
    "m": "measure",
    "e": "explain",
    "r": "report",
    "d": "draw",
    "z": "zoo",
}


class Commands(click.Group):
    """A command group that looks its commands up in the table, also by one-letter alias."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return the command of that name or alias, None when there is none."""
        place = COMMANDS.get(ALIASES.get(cmd_name, cmd_name))
        return None if place is None else with_verbosity(cast(click.Command, imported(place)))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return name, command and remaining arguments; for an unknown name, suggest the closest one."""
        name = args[0]
        if self.get_command(ctx, name) is None and not name.startswith("-"):
            ctx.fail(f"No such command {name!r}.{meant(name, COMMANDS)}")
        return super().resolve_command(ctx, args)


@click.command(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Exit codes: 0 done, 1 wrong input, 2 wrong usage, 3 does not fit the budget, "
    "4 undecided within the limits, 5 a check of verify failed, 6 a check of verify could not run, "
    "130 interrupted twice, evaluate once.",
)
@click.version_option(__version__, "-V", "--version", message="hmcos %(version)s")
def hmcos() -> None:
    """Find the order of a neural network's operators that needs the least memory, with proof.

    \b
    hmcos schedule model.onnx -o out      reorder a model and write its plan
    hmcos schedule zoo:nasnet-cifar       try it on a bundled network
    hmcos compile model.tflite -o net.c   write it as C code that runs row by row
    hmcos evaluate models/ -o rows.jsonl  many networks, row by row
    hmcos inspect model.onnx              see its contents, and what to bind
    hmcos compare model.onnx              every scheduler side by side
    hmcos arena lives.csv                 offsets for buffers of your own
    hmcos verify model.onnx out/plan.json check the result by counting and running it
    hmcos measure model.onnx              measure the memory that ONNX Runtime takes
    hmcos explain model.onnx              see why it needs its memory, and what would help
    hmcos report out/plan.json --open     the same as a page, from a plan
    hmcos draw model.onnx -o order.svg    see the graph, the order, its memory
    hmcos zoo --list                      list the bundled networks

    Commands have one-letter aliases: s, k, b, i, c, a, v, m, e, r, d, z.
    """  # noqa: D301 (click reads the backspace as "do not rewrap")
