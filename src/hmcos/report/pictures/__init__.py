"""Pictures of graphs, hierarchies, orders, memory and arenas."""
