"""Measure what tiling saves, and print a table: peaks in bytes, extra MACs, operators, processor time.

python benchmarks/quality/tiling.py                   MobileNetV2 of the zoo, in several sizes
python benchmarks/quality/tiling.py FOLDER MODEL ...  every .onnx and .tflite file of folders, and models
python benchmarks/quality/tiling.py --torch           networks of torchvision and timm, if they are installed:
                                                      exported with random weights to build/tiling

--max-extra-macs 10% allows more arithmetic; --time-limit 60 ends each search after 60 seconds; --verify
runs source and result on random inputs and compares every bit. TensorFlow Lite files are counted for the
target tflm, all others for the target default.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator, Sequence
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import hmcos
from hmcos.zoo.catalogue import build

EXPORTS = Path("build") / "tiling"
VARIANTS: tuple[dict[str, Any], ...] = (
    {},
    {"resolution": 160},
    {"width": 0.5},
    {"width": 0.35, "resolution": 96},
    {"width": 0.35, "resolution": 96, "int8": True},
)
TORCHVISION = (
    "mobilenet_v2", "mobilenet_v3_large", "mnasnet1_0", "efficientnet_b0", "shufflenet_v2_x1_0",
    "squeezenet1_1", "resnet18", "densenet121", "googlenet", "inception_v3",
)  # fmt: skip
TIMM = ("mobilenetv4_conv_small", "fbnetc_100", "ghostnet_100", "vovnet39a", "xception41", "convnext_atto")
HEADINGS = ("model", "best order", "tiled", "factor", "extra MACs", "operators", "CPU seconds", "proof")


def share(text: str) -> float:
    """Return a part of something, written as 5% or 0.05."""
    return float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)


def zoo() -> Iterator[tuple[str, Any]]:
    """Yield the name and the model of every variant of MobileNetV2."""
    for variant in VARIANTS:
        words = [f"--{key}" if value is True else f"--{key} {value}" for key, value in variant.items()]
        yield " ".join(["zoo:mobilenet-v2", *words]), build("mobilenet-v2", **variant)


def files(places: Sequence[str]) -> Iterator[tuple[str, Any]]:
    """Yield the name and the path of every model in folders, and of every other model that is named."""
    for place in places:
        if not Path(place).is_dir():
            yield Path(place).stem, place
            continue
        for path in sorted(Path(place).iterdir()):
            if path.suffix in (".onnx", ".tflite"):
                yield path.stem, path


def exported() -> Iterator[tuple[str, Any]]:
    """Yield the name and the path of every network of torchvision and timm, exported if it is not there yet.

    Raises:
        SystemExit: none of the packages is installed.
    """
    here = [name for name in ("torchvision", "timm") if find_spec(name) is not None]
    if not here or find_spec("torch") is None:
        sys.exit("--torch needs torch with torchvision or timm: pip install torch torchvision timm onnx")
    torch: Any = import_module("torch")
    EXPORTS.mkdir(parents=True, exist_ok=True)
    for package, names in (("torchvision", TORCHVISION), ("timm", TIMM)):
        for name in names if package in here else ():
            path = EXPORTS / f"{package}-{name}.onnx"
            if not path.exists():
                torch.manual_seed(0)
                if package == "timm":
                    model = import_module("timm").create_model(name, pretrained=False)
                else:
                    model = import_module("torchvision.models").get_model(name, weights=None)
                side = 299 if name in ("inception_v3", "xception41") else 224
                torch.onnx.export(
                    model.eval(), (torch.randn(1, 3, side, side),), str(path), dynamo=False, opset_version=13
                )
            yield path.stem, path


def measured(name: str, model: Any, options: argparse.Namespace) -> list[str]:
    """Return the row of a model."""
    tiling = hmcos.Tiling(max_extra_macs=options.max_extra_macs)
    started, target = time.process_time(), "tflm" if str(model).endswith(".tflite") else "default"
    proof = ""
    with TemporaryDirectory() as folder:
        output = folder if options.verify else None
        plan = hmcos.schedule(model, target=target, tile=tiling, time_limit=options.time_limit, output=output)
        seconds = time.process_time() - started
        if output is not None:
            found = hmcos.verify(model, Path(output) / "plan.json")
            proof = "holds" if found.holds else "DOES NOT HOLD"
    rewriting = plan.rewriting
    if rewriting is None:
        return [name, f"{plan.peak:,}", "", "1.00", "", "", f"{seconds:.0f}", plan.untiled or proof]
    before = rewriting.peak_best_order
    return [
        name,
        f"{before:,}",
        f"{plan.peak:,}",
        f"{before / plan.peak:.2f}",
        f"{100 * rewriting.extra:.1f} %",
        f"{rewriting.operators_before} → {len(plan.operators)}",
        f"{seconds:.0f}",
        proof,
    ]


def main(arguments: Sequence[str]) -> None:
    """Print one row per model."""
    parser = argparse.ArgumentParser(description="Measure what tiling saves.")
    parser.add_argument("models", nargs="*", metavar="FOLDER|MODEL")
    parser.add_argument("--torch", action="store_true", help="networks of torchvision and timm")
    parser.add_argument("--max-extra-macs", type=share, default=0.05)
    parser.add_argument("--time-limit", type=float, default=None)
    parser.add_argument("--verify", action="store_true", help="compare bits of source and result")
    options = parser.parse_args(arguments)
    models = exported() if options.torch else files(options.models) if options.models else zoo()
    print(f"| {' | '.join(HEADINGS)} |\n| --- |{' ---: |' * (len(HEADINGS) - 2)} --- |")
    for name, model in models:
        try:
            row = measured(name, model, options)
        except hmcos.HmcosError as error:
            row = [name, *[""] * 6, str(error)]
        print(f"| {' | '.join(row)} |", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
