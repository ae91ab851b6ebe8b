"""Writes tests for existing code by reading it and running it in the sandbox."""
