"""When a request would be finished, told from what was measured on this engine, just now."""

import sys
from dataclasses import dataclass

_WEIGHT = 0.1
"""Of the newest step in the moving means."""


@dataclass(frozen=True)
class Load:
    """What is under way before a new request."""

    prompt_tokens: int = 0
    """Of prompts not yet computed."""
    tokens_to_write: int = 0
    """By all requests that run or wait, at most."""
    requests: int = 0
    """That run or wait."""


class Forecast:
    """Moving means of the time of a step and of the work on prompts. Written by one thread."""

    def __init__(self, *, slots: int) -> None:
        """For an engine that writes `slots` requests at once."""
        self._slots = slots
        self.step_s: float | None = None
        """Of a step in which requests write one token each."""
        self.prompt_token_s: float | None = None
        """For each token of a prompt that is not in the prefix cache."""
        self.uncached = 1.0
        """Share of the prompts' tokens that is not."""

    def measured(self, seconds: float, *, prompt_tokens: int, writing: int) -> None:
        """One step took so long."""
        if not prompt_tokens:
            self.step_s = _moved(self.step_s, seconds)
            return
        for_writing = (self.step_s or 0.0) if writing else 0.0
        each = max(seconds - for_writing, 0.1 * seconds) / prompt_tokens
        self.prompt_token_s = _moved(self.prompt_token_s, each)

    def began(self, *, prompt_tokens: int, cached_tokens: int) -> None:
        """A request has begun, with so much of its prompt in the prefix cache."""
        self.uncached = _moved(self.uncached, 1 - cached_tokens / prompt_tokens)

    def prompt_tokens_in(self, seconds: float) -> int:
        """Tokens of prompts that can be computed in so long; very many while nothing was
        measured.
        """
        return int(seconds / self.prompt_token_s) if self.prompt_token_s else sys.maxsize

    def finish_s(self, *, prompt_tokens: int, max_tokens: int, load: Load) -> float:
        """Seconds from now in which a new request would be finished, if all write as much as they
        may; 0.0 while nothing was measured.

        Its turn comes when a slot is free, then its prompt is computed, then it writes one token a
        step.
        """
        step_s, token_s = self.step_s or 0.0, self.prompt_token_s or 0.0
        prompts_s = (load.prompt_tokens + prompt_tokens) * self.uncached * token_s
        queue_s = 0.0
        if load.requests >= self._slots:
            queue_s = load.tokens_to_write * step_s / self._slots
        return queue_s + prompts_s + max_tokens * step_s


def _moved(mean: float | None, value: float) -> float:
    return value if mean is None else mean + _WEIGHT * (value - mean)
