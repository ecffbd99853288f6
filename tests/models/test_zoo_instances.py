"""The random-wired instances that are kept beside the benchmarks are the ones that their script makes."""

import importlib.util
from pathlib import Path
from typing import Any

import pytest

from hmcos.memory.instance import read_instance

pytestmark = pytest.mark.slow

QUALITY = Path(__file__).parents[2] / "benchmarks" / "quality"


@pytest.fixture(scope="module")
def script() -> Any:
    spec = importlib.util.spec_from_file_location("make_randwire", QUALITY / "make_randwire.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(("nodes", "seed"), [(96, 0), (128, 3)])
def test_kept_instances_are_current(script: Any, nodes: int, seed: int) -> None:
    kept = read_instance(QUALITY / "instances" / f"randwire-{nodes}-s{seed}.json")
    assert kept == script.instance(nodes, seed)


def test_all_eight_are_there(script: Any) -> None:
    expected = {f"randwire-{nodes}-s{seed}.json" for nodes in script.NODES for seed in script.SEEDS}
    assert expected <= {path.name for path in (QUALITY / "instances").iterdir()}
