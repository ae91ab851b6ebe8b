"""Understands source code without running it: files, symbols, literals, examples."""
