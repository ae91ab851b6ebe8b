"""Hand-made rankings of people who are one letter each."""

from hypothesis import strategies as st

from engines.matching.assignment.standing import Standing
from engines.matching.types import Candidate, Person, Ranking


def person(letter: str) -> Person:
    """Their key is the letter, their name is Dr. and the letter."""
    return Person(letter, f"Dr. {letter.upper()}")


def ranking(confidence: float, **scores: float) -> Ranking:
    """Candidates by their scores."""
    best_first = sorted(scores, key=lambda letter: (-scores[letter], letter))
    candidates = tuple(Candidate(person(letter), scores[letter]) for letter in best_first)
    return Ranking(candidates, confidence)


LETTERS = "abcdef"


@st.composite
def rankings(draw: st.DrawFn) -> Ranking:
    """Some of six people, with scores that add up to 1; ties are common."""
    letters = draw(st.lists(st.sampled_from(LETTERS), unique=True))
    weights = [draw(st.integers(1, 9)) for _ in letters]
    scores = {
        letter: weight / sum(weights) for letter, weight in zip(letters, weights, strict=True)
    }
    return ranking(draw(st.floats(0, 1)) if letters else 0.0, **scores)


standings = st.dictionaries(
    st.sampled_from(LETTERS),
    st.builds(
        Standing,
        capacity=st.integers(0, 4),
        open_load=st.integers(0, 4),
        away_until_s=st.none() | st.integers(0, 200),
        opted_out=st.booleans(),
        has_access=st.booleans(),
        is_asked=st.booleans(),
        has_declined=st.booleans(),
    ),
)
"""What some of the six people can take at second 100."""
