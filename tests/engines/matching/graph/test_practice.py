import numpy as np
import pytest
import torch

from engines.matching.graph.ledger import Ledger
from engines.matching.graph.practice import Block, Learner, block_of, listwise_loss
from engines.matching.graph.settings import GraphConfig
from engines.matching.graph.snapshot import snapshot
from engines.matching.people import People
from engines.matching.protocol import see
from tests.engines.matching.histories import DAY_S, task

CONFIG = GraphConfig(width=8, steps=1, rate=0.05, inertia=0.5)


def block() -> Block:
    ledger, people = Ledger(), People()
    for day in range(12):
        one = task("abc"[day % 3], day * DAY_S, f"{'xyz'[day % 3]}/f.py")
        ledger.add(one, see(people, one))
    return block_of(snapshot(ledger, CONFIG), [0, 1, 2], CONFIG)


def test_the_loss_is_the_surprise_about_the_right_people_among_the_candidates() -> None:
    asked = block()
    asked.able = frozenset({0, 1})
    asked.add(["x/f.py"], "", [0], None)
    asked.add(["x/f.py"], "", [0, 1], None)
    logits = torch.tensor([[np.log(3.0), 0.0, 50.0], [np.log(3.0), 0.0, 50.0]])
    first, second = -np.log(0.75), -(np.log(0.75) + np.log(0.25)) / 2
    assert float(listwise_loss(logits, asked)) == pytest.approx((first + second) / 2)


def test_the_author_of_a_task_is_no_candidate_to_review_it() -> None:
    asked = block()
    asked.add(["x/f.py"], "", [0], 2)
    logits = torch.tensor([[0.0, 0.0, 50.0]])
    assert float(listwise_loss(logits, asked)) == pytest.approx(np.log(2.0))


def test_learning_finds_even_that_people_do_what_they_never_did() -> None:
    asked, learner = block(), Learner(CONFIG)
    rows = asked.snapshot.rows()
    for number, area in enumerate("xyz"):
        asked.add([f"{area}/f.py"], "", [rows[(number + 1) % 3]], None)
    before = learner.logits(learner.encoded(asked), asked.asked)
    assert before.argmax(1).tolist() == [rows[0], rows[1], rows[2]]
    for step in range(20):
        learner.learn([asked], np.random.default_rng(step))
    loss = float(
        listwise_loss(torch.tensor(learner.logits(learner.encoded(asked), asked.asked)), asked)
    )
    assert loss < float(listwise_loss(torch.tensor(before), asked)) - 0.5
