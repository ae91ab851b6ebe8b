"""The whole stack with real processes, and what it survives."""
