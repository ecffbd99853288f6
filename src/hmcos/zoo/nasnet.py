"""NASNet-A: Zoph, Vasudevan, Shlens, Le, Learning Transferable Architectures for Scalable Image Recognition.

CVPR 2018, figure 4, doi 10.1109/CVPR.2018.00907.
"""

from __future__ import annotations

from hmcos.zoo.cell_networks import CellDesign, CellNetwork

NORMAL = CellDesign(
    blocks=(
        (("separable 5x5", 1), ("separable 3x3", 0)),
        (("separable 5x5", 0), ("separable 3x3", 0)),
        (("average 3x3", 1), ("identity", 0)),
        (("average 3x3", 0), ("average 3x3", 0)),
        (("separable 3x3", 1), ("identity", 1)),
    ),
    result=(0, 2, 3, 4, 5, 6),
)

# In block 2 the figure has a second 7x7 where the generator of the published scheduler (HMCOS) has a 5x5.
# This follows the generator: schedulers are compared on its networks, and the memory is the same.
REDUCTION = CellDesign(
    blocks=(
        (("separable 5x5", 1), ("separable 7x7", 0)),
        (("max 3x3", 1), ("separable 5x5", 0)),
        (("average 3x3", 1), ("separable 5x5", 0)),
        (("identity", 3), ("average 3x3", 2)),
        (("separable 3x3", 2), ("max 3x3", 1)),
    ),
    result=(3, 4, 5, 6),
)


class NASNet(CellNetwork):
    """NASNet-A; with 4 cells of 11 filters on ImageNet, the paper's NASNet-A (4 @ 1056)."""

    family = "nasnet"
    normal = NORMAL
    reduction = REDUCTION
