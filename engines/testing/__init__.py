"""Writes tests for existing code by reading it, running it in the sandbox and keeping what holds."""
