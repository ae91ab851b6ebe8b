"""Tests that use a module the way its users do: over HTTP, or from the command line."""
