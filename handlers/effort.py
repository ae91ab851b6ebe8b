"""How long a job may work, and its seed, as a person says them: `budget=20s seed=7`."""

from handlers import Call, UserError

LONGEST_SEED = 9
"""Digits."""


def budget_s(call: Call, default_s: float, longest_s: float) -> float:
    """CPU seconds. Raises UserError for fewer than 1 or more than `longest_s`."""
    text = call.options.get("budget")
    if text is None:
        return default_s
    try:
        seconds = float(text.removesuffix("s"))
    except ValueError:
        seconds = 0.0
    if not 1 <= seconds <= longest_s:
        raise UserError(
            f"`budget={text}`: give CPU seconds from 1 to {longest_s:.0f}, "
            "for example `budget=20s`."
        )
    return seconds


def seed(call: Call, default: int) -> int:
    """The seed of what is random. Raises UserError where it is no whole number."""
    text = call.options.get("seed")
    if text is None:
        return default
    if not text.isdecimal() or len(text) > LONGEST_SEED:
        raise UserError(f"`seed={text}`: give a whole number, for example `seed=7`.")
    return int(text)
