"""Replies of every shape and length, hostile ones included, for property tests."""

from hypothesis import strategies as st

from jobs.messages import (
    Action,
    Actions,
    Block,
    Code,
    Collapsible,
    Diff,
    Fields,
    File,
    Heading,
    Picture,
    Reply,
    Suggestion,
    Table,
    Text,
)
from storage.ids import ArtifactId, JobId

MOST_CHARACTERS = 200_000
FRAGMENTS = (
    "```",
    "```python\n",
    "~~~~\n",
    "\n\n",
    "\n",
    "    ",
    "> ",
    "- item ",
    "12. ",
    "# ",
    "| a | b |\n|---|---|\n| c | d |\n",
    "***",
    "`",
    "[x](http://x.invalid/?a=1&b=2)",
    "[x]: http://y.invalid\n",
    "<!channel>",
    "<@U123ABC>",
    "<!subteam^S1|x>",
    "@here",
    "&amp;<b>",
    "\r\n",
    "\x00",
    "\ud83d",
    "🐍",
    "word ",
    "a" * 997,
    "line of code()\n" * 40,
    "two paragraphs\n\n" * 30,
)

_pattern = st.lists(st.one_of(st.sampled_from(FRAGMENTS), st.text(max_size=20)), max_size=12)


@st.composite
def texts(draw: st.DrawFn) -> str:
    """Text of 0 to 200,000 characters."""
    once = "".join(draw(_pattern))
    times = draw(st.sampled_from((0, 1, 1, 1, 3, 40, 1_000, 200_000)))
    most = draw(st.sampled_from((10, 1_000, 12_001, 45_000, MOST_CHARACTERS)))
    return (once * min(times, most // max(len(once), 1) + 1))[:most]


_short = st.text(max_size=30) | st.sampled_from(FRAGMENTS)
_jobs = st.just(JobId("J7K2M9Q"))
_actions = st.builds(
    Action,
    verb=st.sampled_from(("apply", "retry", "feedback")),
    label=_short,
    job=_jobs,
    words=_short,
    primary=st.booleans(),
    destructive=st.booleans(),
)
_suggestions = st.builds(Suggestion, line=texts(), label=_short)
_tables = st.integers(1, 4).flatmap(
    lambda columns: st.builds(
        Table,
        header=st.tuples(*[_short] * columns),
        rows=st.lists(st.tuples(*[_short] * columns), max_size=40).map(tuple),
    )
)
_leaves: st.SearchStrategy[Block] = st.one_of(
    st.builds(Text, markdown=texts()),
    st.builds(Code, text=texts(), language=_short),
    st.builds(Heading, text=texts()),
    st.builds(Diff, path=_short, text=texts()),
    st.builds(Fields, pairs=st.lists(st.tuples(_short, texts()), max_size=25).map(tuple)),
    _tables,
    st.builds(Picture, artifact=st.just(ArtifactId("Apic")), alt=_short),
    st.builds(
        File, artifact=st.just(ArtifactId("Afile")), name=_short, size_bytes=st.integers(0, 10**10)
    ),
    st.builds(Actions, actions=st.lists(_actions | _suggestions, max_size=30).map(tuple)),
)
_blocks = _leaves | st.builds(
    Collapsible, title=_short, blocks=st.lists(_leaves, max_size=4).map(tuple)
)


def replies() -> st.SearchStrategy[Reply]:
    """Any reply an engine could make, and some that none should."""
    return st.builds(Reply, summary=texts(), blocks=st.lists(_blocks, max_size=8).map(tuple))
