"""Attacks on checkouts, and the arena in which each of them is tried."""

from tests.hostile.repositories import trees

ATTACKS = trees.ATTACKS
