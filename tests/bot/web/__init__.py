"""Logging in on the web."""
