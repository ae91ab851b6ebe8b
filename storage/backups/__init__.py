"""Backups: everything that is kept, in one file, and a new home made from it."""
