"""Graphs laid out and drawn by this package itself, where Graphviz is not installed.

In layers, as Sugiyama, Tagawa and Toda do it: Methods for Visual Understanding of Hierarchical System
Structures, IEEE Transactions on Systems, Man, and Cybernetics 11 (2), 1981. Ranks are longest paths, edges
over several ranks get a point in each, barycentres order the ranks, and each rank is moved as close to its
neighbours as its order allows.
"""
