"""Checkouts under attack; `python -m tests.acceptance.hostile_repositories` tries the slow ones."""

import pytest

from tests.hostile.repositories import ATTACKS
from tests.hostile.repositories.arena import Attack, tried


@pytest.mark.parametrize(
    "attack", [attack for attack in ATTACKS if not attack.is_slow], ids=lambda each: each.name
)
def test_an_attack_ends_in_time_in_clear_words_and_leaves_nothing(attack: Attack) -> None:
    assert tried(attack).violations == []
