"""hmcos zoo: networks from papers, as ONNX files."""

from __future__ import annotations

import json
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path

import click

from hmcos.cli.options import json_option
from hmcos.errors import OptionError
from hmcos.network.opening import ZOO
from hmcos.staging import write
from hmcos.tasks.places import check_file
from hmcos.words import printable
from hmcos.zoo.catalogue import FAMILIES, NETWORKS, build, check_name, defaults

_EXAMPLES = """
\b
Examples:
  hmcos zoo --list
  hmcos zoo nasnet-cifar -o nasnet.onnx
  hmcos zoo pnas --dataset imagenet --cells 4 --filters 12 -o pnas.onnx
  hmcos zoo randwire --nodes 64 --seed 3 --no-fold-batch-norm -o randwire.onnx
  hmcos zoo mobilenet-v2 --width 0.35 --resolution 96 --int8 -o mobilenet.onnx
"""


@click.command(
    epilog=_EXAMPLES,
    short_help="List the bundled networks, or write one.",
    context_settings={"ignore_unknown_options": True},
)
@click.argument("name", required=False)
@click.option("--list", "listed", is_flag=True, help="List networks and families with their parameters.")
@click.option("-o", "--output", metavar="FILE.onnx", type=click.Path(path_type=Path), help="File to write.")
@json_option
@click.argument("parameters", nargs=-1, type=click.UNPROCESSED)
def zoo(
    name: str | None, listed: bool, output: Path | None, as_json: bool, parameters: tuple[str, ...]
) -> int:
    """Write the network NAME, or one of a family such as nasnet with parameters given as --NAME VALUE.

    Other commands accept `zoo:NAME` in place of a model file.
    """
    if name is not None and name.startswith("-"):  # unknown options are parameters only after a name
        context = click.get_current_context()
        known = [option for one in context.command.params for option in one.opts]
        raise click.NoSuchOption(name, possibilities=get_close_matches(name, known), ctx=context)
    if listed or name is None:
        _list(as_json=as_json)
        return 0
    check_name(name)
    if output is None:
        raise OptionError(f"zoo {name}: name the file to write, such as -o {name}.onnx")
    check_file(output)
    proto = build(name, **parse_parameters(parameters))
    write(output, proto.SerializeToString(deterministic=True))
    operators = len(proto.graph.node)
    record = {"model": f"{ZOO}{name}", "output": str(output), "operators": operators}
    click.echo(json.dumps(record) if as_json else f"{printable(str(output))}: {operators} operators")
    return 0


def parse_parameters(words: tuple[str, ...]) -> dict[str, object]:
    """Return parameters by name from words such as --cells 4, --seed=3, --no-fold-batch-norm.

    Raises:
        OptionError: a word is neither an option nor the value of one.
    """
    parameters: dict[str, object] = {}
    waiting: str | None = None
    for word in words:
        if word.startswith("--"):
            key, equals, value = word[2:].partition("=")
            off = key.startswith("no-") and not equals
            waiting = (key[3:] if off else key).replace("-", "_")
            parameters[waiting] = _value(value) if equals else not off
        elif waiting is not None and isinstance(parameters[waiting], bool):
            parameters[waiting] = _value(word)
            waiting = None
        else:
            raise OptionError(f"zoo: {word!r} is no parameter; write --NAME VALUE, such as --cells 4")
    return parameters


def _value(text: str) -> object:
    if text in {"true", "false"}:
        return text == "true"
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def _list(*, as_json: bool) -> None:
    if as_json:
        return click.echo(json.dumps(_record()))
    from hmcos.report.tables.result_tables import show, zoo_tables  # noqa: PLC0415 (tables need rich)

    networks = [(name, family, _line(chosen)) for name, (family, chosen) in NETWORKS.items()]
    return show(zoo_tables(networks, [(family, _line(defaults(family))) for family in FAMILIES]))


def _line(parameters: Mapping[str, object]) -> str:
    """Return parameters as a user types them on the command line."""
    words: list[str] = []
    for name, value in parameters.items():
        option = name.replace("_", "-")
        if isinstance(value, bool):
            words.append(f"--{'' if value else 'no-'}{option}")
        else:
            words.append(f"--{option} {'N' if value is None else value}")
    return " ".join(words)


def _record() -> dict[str, object]:
    """Return what `hmcos zoo --list --json` prints."""
    return {
        "networks": [
            {"name": name, "family": family, "parameters": {**defaults(family), **chosen}}
            for name, (family, chosen) in NETWORKS.items()
        ],
        "families": [{"name": family, "parameters": defaults(family)} for family in FAMILIES],
    }
