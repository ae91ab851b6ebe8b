"""`python -m engines.planning train`."""

import argparse
import sys
from pathlib import Path

DEFAULT_STEPS = 524_288


def set_up(train: argparse.ArgumentParser) -> None:
    """Give a parser the command's arguments, and what it runs."""
    train.add_argument("--out", type=Path, required=True, help="where checkpoints and curve go")
    train.add_argument("--steps", type=_count, default=DEFAULT_STEPS, help="decisions practised")
    train.add_argument("--seed", type=_count, default=1)
    train.add_argument("--instances", type=Path, metavar="DIR", help="more projects to train on")
    train.add_argument("--resume", action="store_true", help="go on from the last checkpoint")
    train.set_defaults(run=_train)


def _train(given: argparse.Namespace) -> None:
    from engines.planning.learning.training import (  # noqa: PLC0415 - it needs torch
        Training,
        train,
    )

    training = Training(given.out, given.steps, seed=given.seed, instances=given.instances)
    train(training, _say, resume=given.resume)


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _count(text: str) -> int:
    number = int(text)
    if not 0 <= number < 2**31:
        raise argparse.ArgumentTypeError("give a whole number from 0")
    return number
