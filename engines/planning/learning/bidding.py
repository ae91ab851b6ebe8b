"""Dispatch as an auction: who or what does the work bids for ready tasks, and sees only its own.

Each agent is a person, or the capacity that a task needs the largest share of. All agents bid by
one shared scorer, whose context is the agent's candidates and nothing of the others'; a bid is a
score over the agent's own score for waiting, and the highest one wins. Where all would rather
wait, time passes.
"""

from typing import NamedTuple

import numpy as np

from engines.planning.arrays import Floats, Ints
from engines.planning.compiled import compiled
from engines.planning.execution.events import LAST
from engines.planning.learning.case import Case
from engines.planning.learning.decisions import (
    COUNT,
    MAY_WAIT,
    MOST,
    Desk,
    Singles,
    act,
    new_desk,
    open_up,
)
from engines.planning.learning.features import WIDTH, observe
from engines.planning.learning.lookahead import (
    SEEING,
    Foresight,
    Futures,
    foresee,
    new_futures,
    seed_samples,
)
from engines.planning.learning.scorer import Weights, score
from engines.planning.learning.simulation import Scratch, new_scratch


class Auction(NamedTuple):
    """Room for one agent's view of a decision."""

    agents: Ints  # [n], the capacity whose agent a task is; -1 where people are the agents
    marks: Ints  # [5], as a desk's
    picks: Ints  # [most + 1], which of the desk's candidates each row is
    rows: Singles  # [most + 1, features]
    scratch: Scratch
    futures: Futures


def new_auction(case: Case, weights: Weights, foresight: Foresight) -> Auction:
    """Room for the auctions of a case."""
    demands, capacities = case.facts.demands, case.facts.capacities
    agents = np.full(len(case.traits), -1, np.int64)
    if len(capacities):
        agents = np.argmax(demands / np.maximum(capacities, 1), axis=1).astype(np.int64)
    return Auction(
        agents,
        np.zeros(5, np.int64),
        np.zeros(MOST + 1, np.int64),
        np.zeros((MOST + 1, WIDTH), np.float32),
        new_scratch(weights),
        new_futures(case, foresight.futures, foresight.limit),
    )


@compiled
def _agent_of(desk: Desk, auction: Auction, at: int) -> int:
    agent = auction.agents[desk.tasks[at]]
    return int(agent if agent >= 0 else desk.people[at])


@compiled
def _gather(desk: Desk, auction: Auction, agent: int) -> None:
    """The agent's candidates, and waiting behind them."""
    count = 0
    for at in range(desk.marks[COUNT]):
        if _agent_of(desk, auction, at) == agent:
            auction.rows[count] = desk.rows[at]
            auction.picks[count] = at
            count += 1
    auction.rows[count] = desk.rows[desk.marks[COUNT]]
    auction.picks[count] = desk.marks[COUNT]
    auction.marks[COUNT] = count
    auction.marks[MAY_WAIT] = 1


@compiled
def auction_off(weights: Weights, desk: Desk, auction: Auction) -> int:
    """The candidate of the highest bid, waiting where one may and all bids are below zero."""
    pick, highest = desk.marks[COUNT], -np.inf
    for at in range(desk.marks[COUNT]):
        agent = _agent_of(desk, auction, at)
        _gather(desk, auction, agent)
        if auction.picks[0] != at:
            continue
        scores = auction.scratch.scores
        count = score(weights, auction.marks, auction.rows, auction.scratch.hidden, scores)
        for mine in range(count - 1):
            bid = scores[mine] - scores[count - 1]
            if bid > highest:
                pick, highest = auction.picks[mine], bid
    if highest < 0 and desk.marks[MAY_WAIT] == 1:
        return desk.marks[COUNT]
    return pick


@compiled
def _by_auction(
    case: Case, weights: Weights, desk: Desk, auction: Auction, durations: Floats, out: Floats
) -> None:
    for s in range(len(durations)):
        is_open = open_up(case, desk, durations[s])
        while is_open:
            observe(case, desk)
            foresee(case, desk, durations[s], auction.futures)
            pick = auction_off(weights, desk, auction)
            is_open = act(case, desk, pick, durations[s])
        out[s] = desk.state.clock[LAST]


def makespans_by_auction(
    case: Case, weights: Weights, durations: Floats, foresight: Foresight = SEEING
) -> Floats:
    """The makespans `[S]` of durations `[S, n]`, where agents bid for the work."""
    out = np.zeros(len(durations))
    seed_samples(foresight.seed)
    auction = new_auction(case, weights, foresight)
    _by_auction(case, weights, new_desk(case, WIDTH), auction, durations, out)
    return out
