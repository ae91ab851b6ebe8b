# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# torch and transformers are typed in part.

import json
import math
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest
import torch
from peft import PeftModel
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, AutoTokenizer
from typing_extensions import override

from engines.generation.adapters import adapter_digest
from engines.generation.tiny import make_tiny
from engines.generation.training.__main__ import main
from engines.generation.training.engine import learning_rate, train
from engines.generation.training.rows import order, rows_of
from engines.generation.training.types import (
    Answer,
    Lora,
    PlanRefused,
    Text,
    TrainingFailed,
    TrainingPlan,
)
from engines.generation.types import Message
from engines.watch import Stopped, Unwatched

QUESTIONS = tuple(
    Answer(
        (Message("system", "Answer in one line."), Message("user", f"What is {a} plus {b}?")),
        f"def sum_{a}_{b}(): return {a + b}",
    )
    for a in range(3)
    for b in range(3)
)
TEXTS = tuple(Text(f"def add_{name}(left, right):\n    return left + right\n") for name in "abcde")


class StopAfter(Unwatched):
    """A watch whose person cancels when it was asked so often."""

    def __init__(self, asked: int) -> None:
        self._left = asked

    @override
    def stop_requested(self) -> bool:
        self._left -= 1
        return self._left < 0


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def plan(tiny_model: Path, tmp_path: Path) -> TrainingPlan:
    return TrainingPlan(
        base=tiny_model,
        output=tmp_path / "out",
        examples=TEXTS,
        steps=4,
        batch_size=2,
        sequence_tokens=64,
        learning_rate=3e-3,
    )


def model_in(folder: Path) -> Any:
    return cast(Any, AutoModelForCausalLM).from_pretrained(folder, local_files_only=True)


def tokenizer_in(folder: Path) -> Any:
    return cast(Any, AutoTokenizer).from_pretrained(folder, local_files_only=True)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def losses(plan: TrainingPlan) -> list[float]:
    return [one.loss for one in train(plan, Unwatched()).losses]


def test_a_full_training_learns_a_small_text(plan: TrainingPlan) -> None:
    result = train(replace(plan, steps=40, warmup_steps=4, held_out=TEXTS[:1]), Unwatched())
    before, after = result.held_out[0].loss, result.held_out[-1].loss
    assert after < 0.2 * before
    assert result.losses[-1].loss < 0.2 * result.losses[0].loss
    tokenizer, model = tokenizer_in(result.folder), model_in(result.folder)
    given = tokenizer("def add_a(left,", return_tensors="pt")
    written = tokenizer.decode(model.generate(**given, max_new_tokens=30)[0])
    assert "return left + right" in written


def test_an_adapter_learns_answers_and_the_base_stays_as_it_was(plan: TrainingPlan) -> None:
    before = contents(plan.base)
    adapted = replace(
        plan, examples=QUESTIONS, lora=Lora(rank=8, dropout=0.1), steps=25, learning_rate=2e-2
    )
    result = train(replace(adapted, held_out=QUESTIONS[:3]), Unwatched())
    assert result.held_out[-1].loss < 0.6 * result.held_out[0].loss
    assert contents(plan.base) == before
    assert set(contents(result.folder)) == {"adapter_config.json", "adapter_model.safetensors"}
    assert all("lora" in name for name in load_file(result.folder / "adapter_model.safetensors"))


@pytest.mark.filterwarnings(
    "ignore:`is_gradient_checkpointing` is deprecated:FutureWarning"  # peft 0.21 asks for it
)
def test_an_adapter_that_is_read_again_gives_the_loss_it_was_left_with(plan: TrainingPlan) -> None:
    adapted = replace(plan, lora=Lora(rank=4), held_out=TEXTS[:1])
    result = train(adapted, Unwatched())
    model: Any = PeftModel.from_pretrained(model_in(plan.base), result.folder).eval()
    tokenizer = tokenizer_in(plan.base)
    tokens = torch.tensor([[*tokenizer(TEXTS[0].text)["input_ids"], tokenizer.eos_token_id]])
    with torch.no_grad():
        loss = float(model(input_ids=tokens, labels=tokens).loss)
    assert loss == pytest.approx(result.held_out[-1].loss, rel=1e-5)


@pytest.mark.parametrize("lora", [None, Lora(rank=4, dropout=0.2)], ids=["full", "lora"])
@pytest.mark.parametrize("asked", [1, 7, 10])
def test_a_stopped_training_resumes_with_exactly_the_losses_of_one_in_one_go(
    plan: TrainingPlan, tmp_path: Path, lora: Lora | None, asked: int
) -> None:
    whole = replace(plan, lora=lora, accumulation=2, steps=5, held_out=TEXTS[:2], evaluate_every=2)
    expected = train(replace(whole, output=tmp_path / "in one go"), Unwatched())
    with pytest.raises(Stopped):
        train(whole, StopAfter(asked))
    torch.manual_seed(77)  # The process that goes on has a chance of its own.
    result = train(replace(whole, resume=True), Unwatched())
    assert result.losses == expected.losses
    assert result.held_out == expected.held_out
    assert result.digest == expected.digest


def test_a_broken_off_training_goes_on_from_its_last_checkpoint(
    plan: TrainingPlan, tmp_path: Path
) -> None:
    expected = losses(replace(plan, output=tmp_path / "in one go"))

    class Killed(Unwatched):
        @override
        def report(self, text: str, done: float | None = None) -> None:
            del done
            if text.startswith("step 3 "):
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(replace(plan, checkpoint_every=1), Killed())
    files = [path.name for path in (plan.output / "checkpoints").rglob("*") if path.is_file()]
    assert {Path(name).suffix for name in files} == {".safetensors", ".json"}
    assert [path.name for path in (plan.output / "checkpoints").iterdir()] == ["step-00000002"]
    assert losses(replace(plan, checkpoint_every=3, resume=True)) == expected


def test_another_plan_does_not_go_on_from_a_checkpoint(plan: TrainingPlan, tmp_path: Path) -> None:
    with pytest.raises(Stopped):
        train(plan, StopAfter(2))
    with pytest.raises(PlanRefused, match="step-00000002 is of another plan"):
        train(replace(plan, learning_rate=1e-4, resume=True), Unwatched())
    other = make_tiny(tmp_path / "other", seed=2)
    with pytest.raises(PlanRefused, match="is of another plan"):
        train(replace(plan, base=other, resume=True), Unwatched())


def test_the_same_seed_gives_the_same_losses_and_another_gives_others(plan: TrainingPlan) -> None:
    dropping = replace(plan, lora=Lora(rank=4, dropout=0.2))
    torch.manual_seed(1)
    first = losses(dropping)
    torch.manual_seed(2)
    assert losses(dropping) == first
    assert losses(replace(dropping, seed=2)) != first


def test_a_training_leaves_the_caller_s_chance_alone(plan: TrainingPlan) -> None:
    before = torch.get_rng_state()
    train(replace(plan, steps=1), Unwatched())
    assert torch.equal(before, torch.get_rng_state())


def test_accumulation_changes_the_memory_and_not_the_losses(plan: TrainingPlan) -> None:
    uneven = replace(plan, examples=(*QUESTIONS, *TEXTS), batch_size=4)
    assert losses(replace(uneven, batch_size=1, accumulation=4)) == pytest.approx(
        losses(uneven), rel=1e-4
    )


def test_packed_examples_do_not_see_each_other(plan: TrainingPlan) -> None:
    packed = replace(plan, held_out=(*TEXTS, *QUESTIONS), packing=True, steps=1)
    assert len(rows_of(packed.held_out, tokenizer_in(plan.base), packed).rows) < 12
    apart = train(replace(packed, packing=False), Unwatched())
    assert train(packed, Unwatched()).held_out[0].loss == pytest.approx(
        apart.held_out[0].loss, rel=1e-5
    )


def test_only_the_answer_and_its_end_are_learnt(plan: TrainingPlan) -> None:
    tokenizer = tokenizer_in(plan.base)
    (row,) = rows_of(QUESTIONS[:1], tokenizer, plan).rows
    learnt = row[0].tokens[row[0].learnt].tolist()
    assert tokenizer.decode(learnt) == QUESTIONS[0].answer + tokenizer.eos_token
    shown = tokenizer.decode(row[0].tokens[~row[0].learnt].tolist())
    assert shown.endswith("What is 0 plus 0?<|end|>\n<|start|>assistant\n")


def test_a_text_longer_than_a_sequence_is_cut_into_several_and_none_is_lost(
    plan: TrainingPlan,
) -> None:
    tokenizer, text = tokenizer_in(plan.base), Text("x = [1, 2, 3]\n" * 40)
    rows = rows_of((text,), tokenizer, plan).rows
    assert all(piece.tokens.size <= plan.sequence_tokens for row in rows for piece in row)
    tokens = [token for row in rows for piece in row for token in piece.tokens.tolist()]
    assert tokenizer.decode(tokens) == text.text + tokenizer.eos_token


def test_a_prompt_too_long_loses_its_beginning_and_is_counted(plan: TrainingPlan) -> None:
    tokenizer = tokenizer_in(plan.base)
    long = Answer("import os\n" * 100, "print(os.name)")
    rows = rows_of((long, QUESTIONS[0]), tokenizer, plan)
    assert rows.cut_examples == 1
    text = tokenizer.decode(rows.rows[0][0].tokens.tolist())
    assert text.endswith("os\nprint(os.name)" + tokenizer.eos_token)


def test_each_round_through_the_examples_has_each_once_in_an_order_of_its_own() -> None:
    rounds = list(order(10, 1, 0, 30))
    assert [sorted(rounds[at : at + 10]) for at in (0, 10, 20)] == [list(range(10))] * 3
    assert rounds[:10] != rounds[10:20] != rounds[20:]
    assert list(order(10, 1, 13, 9)) == rounds[13:22]


def test_the_rate_rises_in_a_line_and_falls_as_a_cosine(plan: TrainingPlan) -> None:
    warmed = replace(plan, steps=10, warmup_steps=2, learning_rate=1.0)
    rates = [learning_rate(warmed, step) for step in range(1, 11)]
    assert rates[:3] == [0.5, 1.0, 1.0]
    assert rates[6] == pytest.approx(0.5)
    assert rates[-1] == pytest.approx(0.5 * (1 + math.cos(math.pi * 7 / 8)))


def test_a_training_whose_loss_is_no_number_stops_and_says_what_may_help(
    plan: TrainingPlan, tmp_path: Path
) -> None:
    broken = tmp_path / "broken"
    broken.mkdir()
    for name, content in contents(plan.base).items():
        (broken / name).write_bytes(content)
    weights = load_file(broken / "model.safetensors")
    weights["model.norm.weight"][0] = torch.inf
    save_file(weights, broken / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(TrainingFailed, match=r"the loss is nan at step 1: a lower learning rate"):
        train(replace(plan, base=broken), Unwatched())
    assert not (plan.output / "model").exists()


@pytest.mark.parametrize(
    ("wish", "reason"),
    [
        ({"base": Path("/nowhere")}, "no tokenizer in /nowhere"),
        ({"examples": ()}, "nothing to learn"),
        ({"steps": 0}, "steps is 0"),
        ({"sequence_tokens": 1}, "at least 2 tokens"),
        ({"learning_rate": 0.0}, "above 0"),
        ({"lora": Lora(targets=("no_such_layer",))}, "does not fit the model"),
    ],
)
def test_a_plan_that_cannot_be_is_refused_with_the_reason(
    plan: TrainingPlan, wish: dict[str, Any], reason: str
) -> None:
    with pytest.raises(PlanRefused, match=reason):
        train(replace(plan, **wish), Unwatched())


def test_a_trained_adapter_is_told_with_its_digest(plan: TrainingPlan) -> None:
    result = train(replace(plan, lora=Lora(rank=4), steps=1), Unwatched())
    assert result.digest == adapter_digest(result.folder)


def test_the_losses_are_left_as_json_and_as_a_picture(plan: TrainingPlan) -> None:
    result = train(replace(plan, held_out=TEXTS[:1], evaluate_every=2), Unwatched())
    written = json.loads((plan.output / "losses.json").read_text())
    assert [one["loss"] for one in written["steps"]] == [one.loss for one in result.losses]
    assert [one["step"] for one in written["held_out"]] == [0, 2, 4]
    picture = ElementTree.fromstring((plan.output / "losses.svg").read_text())  # noqa: S314
    dots = picture.findall("{http://www.w3.org/2000/svg}circle")
    heights = [float(dot.attrib["cy"]) for dot in dots]
    assert len(heights) == 3
    assert heights == sorted(heights)  # Down the picture is down the loss.


def test_a_person_trains_an_adapter_from_the_command_line(
    plan: TrainingPlan, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    examples = tmp_path / "examples.jsonl"
    examples.write_text(
        '{"prompt": [{"role": "user", "text": "add"}], "answer": "a + b"}\n'
        '{"prompt": "subtract: ", "answer": "a - b"}\n{"text": "a * b"}\n'
    )
    texts = tmp_path / "texts"
    texts.mkdir()
    (texts / "one.py").write_text("a / b\n")
    words = f"--base {plan.base} --output {plan.output} --steps 2 --lora-rank 4".split()
    assert main([*words, "--examples", str(examples), str(texts), "--held-out", str(texts)]) == 0
    printed = capsys.readouterr()
    assert adapter_digest(plan.output / "adapter") in printed.out
    assert "held out" in printed.out
    assert "step 2 of 2" in printed.err
    assert main([*words, "--examples", str(examples), "--steps", "0"]) == 1
    assert "steps is 0" in capsys.readouterr().err
