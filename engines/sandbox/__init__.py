"""Runs code that nobody here wrote, with no network, no secrets and bounded everything."""
