"""Measure the memory of PyTorch's models in the order of their export and in ours; print a table.

python benchmarks/memory/pytorch.py                        small networks of fourteen families
python benchmarks/memory/pytorch.py --real                 real models, as far as their packages are installed
python benchmarks/memory/pytorch.py timm:NAME smp:NAME torchvision:NAME ...
python benchmarks/memory/pytorch.py --device cuda          on a GPU

Bytes of live storages at most, measured by running: parameters, buffers and constants do not count, and the
caller holds the inputs. "Eager" is the module as it is written, whose Python variables hold tensors. "Given"
is the order of torch.export; when it is predicted, its bodies of control flow are in our order. Where the
plan predicts another figure, it stands in brackets. "Allocator" is what PyTorch's allocator handed out at
most, workspace of kernels included; on a GPU, the plan for the target torch-cuda, which counts blocks of 512
bytes, stands in brackets behind it. Each model runs in a process of its own.
"""

from __future__ import annotations

import argparse
import json
import logging
import subprocess
import sys
import warnings
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
REAL = (
    "torchvision:resnet18",
    "torchvision:googlenet",
    "timm:densenet121",
    "timm:mobilenetv3_large_100",
    "timm:xception41",
    "timm:dla34",
    "timm:hrnet_w18",
    "timm:nasnetalarge",
    "timm:pnasnet5large",
    "timm:vit_tiny_patch16_224",
    "timm:swin_tiny_patch4_window7_224",
    "smp:Unet",
    "smp:UnetPlusPlus",
)
HEADINGS = (
    "model",
    "nodes",
    "eager",
    "given",
    "ours",
    "bound",
    "allocator, given",
    "allocator, ours",
    "search",
    "bits",
)


def example(name: str) -> tuple[Any, tuple[Any, ...]]:
    """Return a module in evaluation mode and the inputs to run it on."""
    torch: Any = import_module("torch")
    source, _, model = name.partition(":")
    torch.manual_seed(1)
    if source == "timm":
        made = import_module("timm").create_model(model, pretrained=False)
        size = made.default_cfg.get("input_size", (3, 224, 224))
    elif source == "smp":
        made = getattr(import_module("segmentation_models_pytorch"), model)("resnet18", encoder_weights=None)
        size = (3, 128, 128)
    elif source == "torchvision":
        made, size = import_module("torchvision").models.get_model(model, weights=None), (3, 224, 224)
    else:
        sys.path.insert(0, str(ROOT / "tests"))
        found = import_module("torch_models").FAMILIES[name]()
        return found.module, found.inputs
    return made.eval(), (torch.randn(1, *size),)


def moved(example: tuple[Any, Any], device: str) -> tuple[Any, Any]:
    """Return a module and its inputs on a device."""
    module, inputs = example
    torch: Any = import_module("torch")
    mapped: Any = torch.utils._pytree.tree_map_only

    def there(tensor: Any) -> Any:
        return tensor.to(device)

    return module.to(device), mapped(torch.Tensor, there, inputs)


def case(name: str, device: str) -> dict[str, Any]:
    """Return what was measured of a model."""
    torch: Any = import_module("torch")
    torch.backends.cudnn.deterministic = True
    module, inputs = moved(example(name), device)
    running, allocators = (
        import_module(f"hmcos.runtimes.torch.{part}") for part in ("running", "allocators")
    )
    exported, bits = (import_module(f"hmcos.runtimes.torch.{part}") for part in ("exported", "bits"))
    program = torch.export.export(module, inputs)
    feed = exported.feed(program)
    found = ordered(program, feed, "torch")
    there = ordered(program, feed, "torch-cuda") if device == "cuda" else found
    uncounted = [*module.parameters(), *module.buffers()]
    with torch.no_grad():
        eager = running.most_alive(lambda: module(*inputs), uncounted, inputs)
    given, ours = (running.run(graph, feed) for graph in (program.graph_module, found.module))
    return {
        "nodes": len(program.graph.nodes),
        "eager": eager,
        "given": [given.memory.peak_within, found.plan.given_peak],
        "ours": [ours.memory.peak_within, found.plan.peak],
        "bound": found.plan.lower_bound,
        "allocated": [allocators.allocated(graph, feed) for graph in (program.graph_module, there.module)],
        "in blocks": [there.plan.given_peak, there.plan.peak] if device == "cuda" else None,
        "seconds": found.plan.schedule.seconds,
        "differs": bits.difference(given, ours),
    }


def ordered(program: Any, feed: Any, target: str) -> Any:
    """Return an exported program in our order for a target, with its plan."""
    names = [node.name for node in program.graph.nodes if node.op == "placeholder"]
    parameters = [names[at] for at in feed.parameters]
    order: Any = import_module("hmcos.torch").ordered
    return order(program.graph_module, feed.values, parameters=parameters, target=target)


def row(name: str, device: str, limit: float) -> list[str]:
    """Return the row of a model, measured in a process of its own."""
    try:
        ended = subprocess.run(
            [sys.executable, __file__, "--case", name, "--device", device],
            capture_output=True,
            text=True,
            timeout=limit,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return [name, *[""] * (len(HEADINGS) - 2), f"did not end within {limit:g} s"]
    if ended.returncode:
        said = ended.stderr.strip().splitlines() or ["no word"]
        return [name, *[""] * (len(HEADINGS) - 2), said[-1][:100]]
    found = json.loads(ended.stdout.splitlines()[-1])
    return [
        name,
        f"{found['nodes']:,}",
        f"{found['eager']:,}",
        *(_both(*found[kind]) for kind in ("given", "ours")),
        "proved" if found["bound"] == found["ours"][1] else f"{found['bound']:,}",
        *map(_both, found["allocated"], found["in blocks"] or found["allocated"]),
        f"{found['seconds']:.2f} s",
        f"{found['differs']} differs" if found["differs"] else "equal",
    ]


def _both(measured: int, predicted: int) -> str:
    return f"{measured:,}" if measured == predicted else f"{measured:,} ({predicted:,})"


def _is_there(name: str) -> bool:
    package = {"smp": "segmentation_models_pytorch"}.get(source := name.partition(":")[0], source)
    try:
        import_module(package)
    except Exception:  # a package that was built for another PyTorch raises whatever it likes
        return False
    return True


def print_table(headings: Sequence[str], names: Sequence[str], made: Callable[[str], Sequence[str]]) -> None:
    """Print a row for each name, as soon as it is made."""
    print(f"| {' | '.join(headings)} |\n| --- |{' ---: |' * (len(headings) - 1)}", flush=True)
    for name in names:
        print(f"| {' | '.join(made(name))} |", flush=True)


def main(arguments: Sequence[str]) -> None:
    """Print one row per model."""
    parser = argparse.ArgumentParser(description="Measure the memory of PyTorch's models.")
    parser.add_argument("models", nargs="*", metavar="FAMILY|PACKAGE:NAME")
    parser.add_argument("--real", action="store_true", help="real models, as far as packages are installed")
    parser.add_argument("--device", default="cpu", choices=["cpu", "cuda"])
    parser.add_argument("--limit", type=float, default=600, help="seconds for each model")
    parser.add_argument("--case", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.case:
        warnings.simplefilter("ignore")
        logging.disable(logging.CRITICAL)
        print(json.dumps(case(options.case, options.device)))
        return
    if options.real:
        names: Sequence[str] = [name for name in REAL if _is_there(name)]
    else:
        sys.path.insert(0, str(ROOT / "tests"))
        names = options.models or list(import_module("torch_models").FAMILIES)
    print_table(HEADINGS, names, lambda name: row(name, options.device, options.limit))


if __name__ == "__main__":
    main(sys.argv[1:])
