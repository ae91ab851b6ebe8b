"""The words by which people mean a command without naming it."""

from collections.abc import Mapping

SYNONYMS: Mapping[str, tuple[str, ...]] = {
    "test": ("tests", "testing", "unittests", "testcases"),
    "status": ("progress", "where", "running", "finished", "done", "state"),
    "cancel": ("stop", "abort", "kill", "halt", "cancelled", "canceled"),
    "retry": ("rerun", "redo", "restart", "repeat", "again"),
    "explain": ("why", "explanation"),
    "apply": ("commit", "merge", "push"),
    "approve": ("allow", "approval"),
    "feedback": ("rate", "rating", "vote"),
    "link": ("connect", "account", "accounts"),
    "config": ("configure", "configuration", "settings", "setting", "preferences"),
    "quota": ("limit", "limits", "quotas", "allowance"),
    "help": ("commands", "usage", "manual", "hello", "hi"),
    "generate": ("write", "implement", "create"),
    "plan": ("schedule", "planning", "roadmap"),
    "docs": ("document", "documentation", "docstrings", "readme"),
    "match": ("matching", "assign", "who"),
    "review": ("reviewing", "critique"),
    "improve": ("refactor", "speed", "optimise", "optimize"),
}
"""By verb; a verb that is not offered takes no part."""

OBJECTS = frozenset({"generate", "improve", "help"})
"""Verbs whose words often only introduce another: "write tests", "help me review"."""

REFUSALS = frozenset(
    {"not", "don't", "dont", "do-not", "never", "no", "didn't", "doesn't", "won't", "shouldn't",
     "cannot", "can't", "without", "stopped", "instead"}
)  # fmt: skip

FILLERS = frozenset(
    {"a", "an", "and", "are", "as", "at", "can", "could", "did", "do", "for", "from", "has",
     "have", "here", "how", "i", "in", "into", "is", "it", "its", "job", "latest", "let", "me",
     "my", "of", "on", "one", "or", "our", "please", "some", "something", "tell", "thank",
     "thanks", "that", "the", "their", "them", "then", "there", "these", "this", "those", "to",
     "us", "want", "was", "we", "what", "when", "which", "will", "with", "would", "you", "your"}
)  # fmt: skip
"""Words that say nothing about which command is meant."""

_PLAIN = FILLERS | REFUSALS | {word for words in SYNONYMS.values() for word in words}


def is_plain_language(word: str) -> bool:
    """Whether `word` is one that people start sentences with, rather than a slip of a verb."""
    return word in _PLAIN
