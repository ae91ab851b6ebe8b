import torch

from engines.generation.batching.sampling import Pick, choose, uniform
from engines.generation.types import Sampling

LOGITS = torch.log(torch.tensor([[0.5, 0.3, 0.15, 0.05]]))
DRAWS = 2000


def drawn(sampling: Sampling) -> list[float]:
    """How often each token comes."""
    picks = [Pick(row, sampling, seed=11, position=row) for row in range(DRAWS)]
    tokens = choose(LOGITS.repeat(DRAWS, 1), picks)
    return [tokens.count(token) / DRAWS for token in range(4)]


def test_rows_that_are_not_sampled_are_greedy() -> None:
    logits = torch.tensor([[0.0, 2.0, 1.0], [3.0, 2.0, 1.0]])
    assert choose(logits, []) == [1, 0]
    assert choose(logits, [Pick(1, Sampling(1.0, top_k=1), seed=1, position=0)]) == [1, 0]


def test_tokens_come_as_often_as_they_are_likely() -> None:
    for found, wanted in zip(drawn(Sampling(1.0)), (0.5, 0.3, 0.15, 0.05), strict=True):
        assert abs(found - wanted) < 0.04


def test_temperature_sharpens_and_flattens() -> None:
    assert drawn(Sampling(0.25))[0] > 0.8
    assert drawn(Sampling(4.0))[3] > 0.12


def test_top_k_and_top_p_leave_out_the_unlikely() -> None:
    assert drawn(Sampling(1.0, top_k=2))[2:] == [0.0, 0.0]
    assert drawn(Sampling(1.0, top_p=0.6))[2:] == [0.0, 0.0]
    assert drawn(Sampling(1.0, top_p=0.6))[1] > 0.3
    assert drawn(Sampling(1.0, top_p=0.0)) == [1.0, 0.0, 0.0, 0.0]


def test_many_rows_are_drawn_each_for_itself() -> None:
    picks = [Pick(row, Sampling(1.0), seed=row, position=0) for row in range(0, 50, 2)]
    together = choose(LOGITS.repeat(50, 1), picks)
    alone = [choose(LOGITS, [Pick(0, Sampling(1.0), seed=row, position=0)])[0] for row in range(50)]
    assert together == [alone[row] if row % 2 == 0 else 0 for row in range(50)]


def test_logits_that_are_no_numbers_choose_a_token_all_the_same() -> None:
    token = choose(torch.full((1, 4), torch.nan), [Pick(0, Sampling(1.0), seed=1, position=0)])
    assert 0 <= token[0] < 4


def test_what_is_drawn_depends_on_seed_and_position_only() -> None:
    pick = Pick(0, Sampling(1.0), seed=5, position=3)
    alone = choose(LOGITS, [pick])
    others = [Pick(row, Sampling(2.0), seed=row, position=row) for row in (1, 2)]
    assert choose(LOGITS.repeat(3, 1), [pick, *others])[0] == alone[0]


def test_chances_are_even_and_differ_by_seed_and_position() -> None:
    chances = [uniform(seed, position) for seed in range(40) for position in range(50)]
    assert len(set(chances)) == 2000
    assert all(0 <= chance < 1 for chance in chances)
    tenths = [sum(int(chance * 10) == tenth for chance in chances) for tenth in range(10)]
    assert all(150 < count < 250 for count in tenths)
    assert 0 <= uniform(-1, 0) < 1
