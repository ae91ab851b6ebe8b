"""Projects that take shares of renewable capacities (RCPSP)."""
