"""A tiny language model of a real architecture, made on the spot: random weights, real tokenizer.

What serves and trains large models runs on it unchanged, in seconds on one core and without a
download. It has learnt nothing: what it writes is noise, but noise that differs from token to token
and from prompt to prompt, so that a scheduler that mixes up two requests is seen.
"""

# pyright: reportUnknownMemberType=false
# torch and transformers are typed in part.

import sysconfig
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import (
    GenerationConfig,
    PreTrainedTokenizerFast,
    Qwen3Config,
    Qwen3ForCausalLM,
)

CONTEXT_TOKENS = 4096
_SPECIAL = (_PAD, _START, _END) = ("<|pad|>", "<|start|>", "<|end|>")
"""In the order of their ids."""
_FEWEST_TOKENS = 300
_HEAD_SIZE = 32
_SPREAD = 0.1
"""Of the weights. With the usual 0.02 a model this small writes one token for ever."""
_MOST_TEXT_BYTES = 1_000_000
_FILES = slice(0, 40)
"""Of the standard library's top level, by name; enough for `_MOST_TEXT_BYTES`."""
_CHAT_TEMPLATE = (
    "{% for message in messages %}"
    "{{ '<|start|>' + message['role'] + '\\n' + message['content'] + '<|end|>\\n' }}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|start|>assistant\\n' }}{% endif %}"
)


def make_tiny(
    folder: Path, *, seed: int = 1, layers: int = 2, hidden: int = 128, vocabulary: int = 2048
) -> Path:
    """Write a model that `from_pretrained(folder, local_files_only=True)` loads; its folder.

    A Qwen3 (grouped key-value heads of size 32, tied embeddings, 4,096 tokens of context) with a
    byte-level BPE tokenizer trained on a part of the standard library's source. The same arguments
    give the same bytes under the same Python, torch and transformers.

    Args:
        folder: Made where it is missing.
        seed: Of the weights. The tokenizer does not depend on it.
        layers: Of the decoder.
        hidden: Width, a multiple of 64.
        vocabulary: Tokens, at least 300: all bytes, the special tokens and some merges.

    Raises:
        ValueError: A size that no model can have.
    """
    if hidden % (2 * _HEAD_SIZE) or hidden < 1 or layers < 1 or vocabulary < _FEWEST_TOKENS:
        raise ValueError(
            f"no tiny model has {layers} layers, width {hidden} and {vocabulary} tokens: at least "
            f"1 layer, a width that is a multiple of {2 * _HEAD_SIZE}, {_FEWEST_TOKENS} tokens"
        )
    folder.mkdir(parents=True, exist_ok=True)
    _tokenizer(vocabulary).save_pretrained(folder)
    _model(_config(layers, hidden, vocabulary), seed).save_pretrained(folder)
    return folder


def _tokenizer(vocabulary: int) -> PreTrainedTokenizerFast:
    bpe = cast(Any, Tokenizer(models.BPE()))
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bpe.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=list(_SPECIAL),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    bpe.train_from_iterator(_texts(), trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=bpe,
        pad_token=_PAD,
        eos_token=_END,
        model_max_length=CONTEXT_TOKENS,
        chat_template=_CHAT_TEMPLATE,
        clean_up_tokenization_spaces=False,
    )


def _texts() -> Iterator[str]:
    """Source files of the standard library, in the order of their names, up to a bound."""
    left = _MOST_TEXT_BYTES
    for path in sorted(Path(sysconfig.get_path("stdlib")).glob("*.py"))[_FILES]:
        text = path.read_text(errors="replace")[:left]
        left -= len(text)
        yield text


def _config(layers: int, hidden: int, vocabulary: int) -> Qwen3Config:
    return Qwen3Config(
        vocab_size=vocabulary,
        hidden_size=hidden,
        intermediate_size=2 * hidden,
        num_hidden_layers=layers,
        num_attention_heads=hidden // _HEAD_SIZE,
        num_key_value_heads=hidden // _HEAD_SIZE // 2,
        head_dim=_HEAD_SIZE,
        max_position_embeddings=CONTEXT_TOKENS,
        tie_word_embeddings=True,
        initializer_range=_SPREAD,
        pad_token_id=_SPECIAL.index(_PAD),
        eos_token_id=_SPECIAL.index(_END),
    )


def _model(config: Qwen3Config, seed: int) -> Qwen3ForCausalLM:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = Qwen3ForCausalLM(config)
    model.generation_config = GenerationConfig(
        eos_token_id=config.eos_token_id, pad_token_id=config.pad_token_id, do_sample=False
    )
    return model
