"""Attacks on checkouts, and the arena in which each of them is tried."""

from tests.hostile.repositories import folders, hosts, packs, trees

ATTACKS = (*trees.ATTACKS, *packs.ATTACKS, *hosts.ATTACKS, *folders.ATTACKS)
