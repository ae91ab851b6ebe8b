"""Stateful counterparts of what stands outside, enforcing the outside's rules."""
