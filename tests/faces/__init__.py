"""Conversations on the real faces over the whole spine."""
