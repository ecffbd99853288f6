"""Lay out and draw graphs without Graphviz.

The layout is layered, as by Sugiyama, Tagawa and Toda: Methods for Visual Understanding of Hierarchical
System Structures, IEEE Transactions on Systems, Man, and Cybernetics 11 (2), 1981. Ranks are longest paths,
edges over several ranks get a point in each, barycentres order the ranks, and each rank is moved as close to
its neighbours as its order allows.
"""
