"""The exact search: what may happen next, what needs no search, and how thresholds close the gap."""
