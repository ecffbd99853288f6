"""PNASNet-5: Liu, Zoph, Neumann, Shlens et al., Progressive Neural Architecture Search.

ECCV 2018, figure 1, doi 10.1007/978-3-030-01246-5_2.
"""

from __future__ import annotations

from hmcos.zoo.cell_networks import CellDesign, CellNetwork

# The same cell is the normal and the reduction cell: the paper runs it at stride 2 to reduce. Its identity
# is a 1x1 pool, so that it can have a stride.
CELL = CellDesign(
    blocks=(
        (("separable 5x5", 0), ("max 3x3", 0)),
        (("separable 7x7", 1), ("max 3x3", 1)),
        (("separable 5x5", 1), ("separable 3x3", 1)),
        (("separable 3x3", 4), ("max 3x3", 1)),
        (("separable 3x3", 0), ("average 1x1", 1)),
    ),
    result=(2, 3, 4, 5, 6),
)


class PNASNet(CellNetwork):
    """PNASNet-5."""

    family = "pnas"
    normal = CELL
    reduction = CELL
