"""Output that is JSON valid for a schema: xgrammar behind a typed wrapper.

Each request has its own matcher; a step fills one mask row for each request that has one and
applies them to those rows of the logits only.
"""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# xgrammar is typed in part.

import json
import threading
from collections.abc import Mapping, Sequence
from typing import Any

import torch
import xgrammar
from torch import Tensor

from engines.generation.types import RequestRefused

_CACHE_BYTES = 256_000_000
"""Of compiled schemas; the least used are forgotten."""


class Grammar:
    """A compiled schema. Shared by all requests that ask for it."""

    def __init__(self, compiled: xgrammar.CompiledGrammar) -> None:
        """From the compiler."""
        self._compiled = compiled

    def matcher(self, written: Sequence[int]) -> "Matcher":
        """The state of one request that has written these tokens."""
        matcher = Matcher(xgrammar.GrammarMatcher(self._compiled))
        for token in written:
            matcher.accept(token)
        return matcher


class Matcher:
    """Where one request is in its grammar."""

    def __init__(self, matcher: xgrammar.GrammarMatcher) -> None:
        """At the beginning."""
        self._matcher = matcher

    def accept(self, token: int) -> None:
        """The request has written this token, which its mask allowed."""
        if not self._matcher.is_terminated() and not self._matcher.accept_token(token):
            raise RuntimeError(f"token {token} was chosen against the grammar's mask")

    def fill(self, mask: Tensor, row: int) -> None:
        """Set a row of the mask to the tokens that may come next."""
        self._matcher.fill_next_token_bitmask(mask, row)


class Grammars:
    """The compiler of one vocabulary. From any thread."""

    def __init__(self, tokenizer: Any, *, vocabulary: int, ends: frozenset[int]) -> None:
        """For the model's own number of tokens, which may exceed the tokenizer's.

        Args:
            tokenizer: Of transformers.
            vocabulary: Columns of the logits.
            ends: Tokens that end a text.
        """
        info = xgrammar.TokenizerInfo.from_huggingface(
            tokenizer, vocab_size=vocabulary, stop_token_ids=sorted(ends) or None
        )
        # The compiler keeps what it compiled, by a digest of the schema's text.
        self._compiler = xgrammar.GrammarCompiler(
            info, max_threads=1, cache_enabled=True, cache_limit_bytes=_CACHE_BYTES
        )
        self._lock = threading.Lock()

    def compile(self, schema: Mapping[str, Any]) -> Grammar:
        """A grammar that takes JSON for this schema, on one line.

        Raises:
            RequestRefused: It is no JSON schema, or asks for what xgrammar does not know.
        """
        try:
            text = json.dumps(dict(schema))
            with self._lock:
                compiled = self._compiler.compile_json_schema(text, any_whitespace=False)
        except (RuntimeError, ValueError, TypeError) as error:
            raise RequestRefused(f"the JSON schema cannot be used: {error}") from error
        return Grammar(compiled)


def constrain(logits: Tensor, matchers: Mapping[int, Matcher]) -> None:
    """Rule out, in place, what the grammars do not allow; other rows stay untouched.

    Args:
        logits: [rows, vocabulary].
        matchers: By row.
    """
    if not matchers:
        return
    rows = list(matchers)
    mask = xgrammar.allocate_token_bitmask(len(rows), logits.shape[-1])
    for at, matcher in enumerate(matchers.values()):
        matcher.fill(mask, at)
    chosen = logits[rows]
    xgrammar.apply_token_bitmask_inplace(chosen, mask.to(logits.device))
    logits[torch.tensor(rows, device=logits.device)] = chosen
