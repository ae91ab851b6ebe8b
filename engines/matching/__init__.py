"""Matching: who should take a task, who should look at it, and why."""
