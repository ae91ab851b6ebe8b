"""Checks of written code, from the cheapest to the dearest."""
