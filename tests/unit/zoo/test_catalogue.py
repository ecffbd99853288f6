import subprocess
import sys

import pytest

from hmcos.errors import OptionError
from hmcos.zoo.catalogue import FAMILIES, NETWORKS, build, defaults, names


def test_every_network_belongs_to_a_family() -> None:
    assert names() == tuple(NETWORKS)
    assert {family for family, _ in NETWORKS.values()} == set(FAMILIES)


def test_listing_needs_no_onnx() -> None:
    code = "import sys, hmcos.zoo.catalogue as c; c.names(); sys.exit('onnx' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_parameters_go_before_those_of_the_name() -> None:
    model = build("nasnet-imagenet", cells=1, filters=2, classes=3)
    assert model.graph.name == "nasnet-imagenet"
    shapes = {v.name: [d.dim_value for d in v.type.tensor_type.shape.dim] for v in model.graph.value_info}
    assert shapes["conv2d_1"] == [1, 4, 112, 112]
    assert [d.dim_value for d in model.graph.output[0].type.tensor_type.shape.dim] == [1, 3]


@pytest.mark.parametrize("family", FAMILIES)
def test_every_parameter_has_a_default(family: str) -> None:
    found = defaults(family)
    assert {"classes", "batch", "fold_batch_norm", "layout", "seed"} <= found.keys()
    assert all(chosen.keys() <= found.keys() for of, chosen in NETWORKS.values() if of == family)


def test_a_family_can_be_built_with_its_defaults() -> None:
    assert build("nasnet") == build("nasnet-cifar")


@pytest.mark.parametrize(
    ("name", "parameters", "message"),
    [
        ("nasnet-cifr", {}, "zoo: no network is called 'nasnet-cifr'. Did you mean 'nasnet-cifar'"),
        ("xyz", {}, f"zoo: no network is called 'xyz'. There are {', '.join(NETWORKS)}"),
        (
            "pnas",
            {"k": 4},
            "zoo: pnas has no parameter 'k': it has dataset, cells, filters",
        ),
    ],
)
def test_what_does_not_exist(name: str, parameters: dict[str, object], message: str) -> None:
    with pytest.raises(OptionError) as error:
        build(name, **parameters)
    assert str(error.value).startswith(message)
