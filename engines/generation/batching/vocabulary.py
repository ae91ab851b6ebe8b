"""A model's tokenizer: prompts to tokens, and what its tokens mean. From any thread."""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# transformers is typed in part.

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from jinja2 import TemplateError
from tokenizers import Tokenizer
from transformers import AutoTokenizer

from engines.generation.batching.grammar import Grammar, Grammars
from engines.generation.batching.settings import LocalSettings
from engines.generation.batching.text import Detokeniser
from engines.generation.types import Message, ModelUnavailable, RequestRefused


class Vocabulary:
    """Text to tokens and back."""

    def __init__(self, tokenizer: Any, *, size: int, ends: frozenset[int]) -> None:
        """Around a fast tokenizer of transformers.

        Args:
            tokenizer: With a tokenizers backend; that one is used, for it may be called from many
                threads at once.
            size: Columns of the model's logits.
            ends: Tokens that end a text.
        """
        self._tokenizer = tokenizer
        self._backend = tokenizer.backend_tokenizer
        self._size = size
        own = tokenizer.eos_token_id
        self.ends = ends or frozenset([] if own is None else [own])
        self._grammars: Grammars | None = None
        self._marks: tuple[str, ...] = tuple(tokenizer.all_special_tokens)
        # A copy: how it takes marks is a setting of the whole tokenizer.
        self._plain = Tokenizer.from_str(self._backend.to_str())
        self._plain.encode_special_tokens = True

    def prompt(self, messages: Sequence[Message]) -> list[int]:
        """The tokens of a conversation, up to where the model answers.

        Marks of the template that stand in a message, as `<|im_end|>` may in somebody's file, are
        tokens of their letters there: no text ends its turn or begins another.

        Raises:
            RequestRefused: The model's chat template does not take it.
        """
        texts = [message.text for message in messages]
        if not any(mark in text for text in texts for mark in self._marks):
            if not self._tokenizer.chat_template:
                return self._encode("\n\n".join(texts), special=True)
            return self._encode(self._templated(messages, texts), special=False)
        if not self._tokenizer.chat_template:
            return self._plain.encode("\n\n".join(texts), add_special_tokens=True).ids
        return self._apart(messages, texts)

    def _apart(self, messages: Sequence[Message], texts: Sequence[str]) -> list[int]:
        """Template and texts are made tokens one by one, and only the template has marks."""
        stands = [_stand(number, texts) for number in range(len(texts))]
        rest = self._templated(messages, stands)
        ids: list[int] = []
        for stand, text in zip(stands, texts, strict=True):
            before, found, rest = rest.partition(stand)
            if not found:
                raise RequestRefused("the model's chat template does not show every message")
            ids += self._encode(before, special=False)
            ids += self._plain.encode(text, add_special_tokens=False).ids
        return ids + self._encode(rest, special=False)

    def _templated(self, messages: Sequence[Message], texts: Sequence[str]) -> str:
        turns = [
            {"role": message.role, "content": text}
            for message, text in zip(messages, texts, strict=True)
        ]
        try:
            text: str = self._tokenizer.apply_chat_template(
                turns,
                tokenize=False,
                add_generation_prompt=True,
                enable_thinking=False,  # templates that know no thinking ignore it
            )
        except TemplateError as error:
            raise RequestRefused(f"the model's chat template refuses it: {error}") from error
        return text

    def count(self, text: str) -> int:
        """Tokens of a text."""
        return len(self._encode(text, special=False))

    def detokeniser(self) -> Detokeniser:
        """For the text of one request."""
        return Detokeniser(self._backend)

    def grammar(self, schema: Mapping[str, Any]) -> Grammar:
        """A compiled schema.

        Raises:
            RequestRefused: It cannot be used.
        """
        if self._grammars is None:
            self._grammars = Grammars(self._tokenizer, vocabulary=self._size, ends=self.ends)
        return self._grammars.compile(schema)

    def _encode(self, text: str, *, special: bool) -> list[int]:
        return self._backend.encode(text, add_special_tokens=special).ids


def _stand(number: int, texts: Sequence[str]) -> str:
    """What stands for a text in the template, and in no text."""
    name = f"text-{number}."
    while any(name in text for text in texts):
        name += "."
    return name


def load_vocabulary(settings: LocalSettings, *, size: int, ends: frozenset[int]) -> Vocabulary:
    """The tokenizer that lies with a model.

    Raises:
        ModelUnavailable: There is none that can be used.
    """
    try:
        tokenizer: Any = AutoTokenizer.from_pretrained(
            settings.source,
            local_files_only=not settings.hub_allowed or Path(settings.source).exists(),
            trust_remote_code=False,
        )
    except (OSError, ValueError) as error:
        raise ModelUnavailable(f"{settings.name}: no tokenizer: {error}") from error
    if not tokenizer.is_fast:
        raise ModelUnavailable(f"{settings.name}: its tokenizer has no tokenizers backend")
    return Vocabulary(tokenizer, size=size, ends=ends)
