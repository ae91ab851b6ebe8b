"""Readers of the files that a plan can be made from."""
