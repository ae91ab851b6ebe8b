"""Replies made to break renderers, and judges of what comes out."""
