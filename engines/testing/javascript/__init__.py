"""Tests for JavaScript and TypeScript: read by tree-sitter, run by Node in the sandbox."""
