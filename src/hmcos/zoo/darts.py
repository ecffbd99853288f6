"""DARTS (second order): Liu, Simonyan, Yang, DARTS: Differentiable Architecture Search.

ICLR 2019, figures 4 and 5, doi 10.48550/arXiv.1806.09055; the cells as its authors' code has them.
"""

from __future__ import annotations

from hmcos.zoo.cell_networks import CellDesign, CellNetwork

NORMAL = CellDesign(
    blocks=(
        (("separable 3x3", 0), ("separable 3x3", 1)),
        (("separable 3x3", 0), ("separable 3x3", 1)),
        (("separable 3x3", 1), ("identity", 0)),
        (("identity", 0), ("dilated separable 3x3", 2)),
    ),
    result=(2, 3, 4, 5),
)

REDUCTION = CellDesign(
    blocks=(
        (("max 3x3", 0), ("max 3x3", 1)),
        (("identity", 2), ("max 3x3", 1)),
        (("max 3x3", 0), ("identity", 2)),
        (("identity", 2), ("max 3x3", 1)),
    ),
    result=(2, 3, 4, 5),
)


class DARTS(CellNetwork):
    """DARTS V2."""

    family = "darts"
    normal = NORMAL
    reduction = REDUCTION
