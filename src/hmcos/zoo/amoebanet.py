"""AmoebaNet-A: Real, Aggarwal, Huang, Le, Regularized Evolution for Image Classifier Architecture Search.

AAAI 2019, figure 5, doi 10.1609/aaai.v33i01.33014780.
"""

from __future__ import annotations

from hmcos.zoo.cell_networks import CellDesign, CellNetwork

NORMAL = CellDesign(
    blocks=(
        (("average 3x3", 0), ("max 3x3", 0)),
        (("identity", 0), ("average 3x3", 1)),
        (("separable 5x5", 2), ("separable 3x3", 1)),
        (("separable 3x3", 2), ("identity", 1)),
        (("average 3x3", 4), ("separable 3x3", 0)),
    ),
    result=(3, 5, 6),
)

REDUCTION = CellDesign(
    blocks=(
        (("average 3x3", 0), ("separable 3x3", 1)),
        (("max 3x3", 1), ("max 3x3", 0)),
        (("max 3x3", 0), ("separable 7x7", 2)),
        (("separable 7x7", 0), ("average 3x3", 1)),
        (("separable 3x3", 3), ("1x7 then 7x1", 0)),
    ),
    result=(4, 5, 6),
)


class AmoebaNet(CellNetwork):
    """AmoebaNet-A."""

    family = "amoebanet"
    normal = NORMAL
    reduction = REDUCTION
