"""The benchmark's own code, on tiny shapes: what it says of a card is said on a card."""

# pyright: reportUnknownMemberType=false
# torch is typed in part.

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.benchmarks.serving import plan, shapes
from tests.benchmarks.serving.__main__ import main
from tests.benchmarks.serving.asked import Asked
from tests.benchmarks.serving.measures import attention, decoding, model, slo
from tests.benchmarks.serving.part import PartFailed
from tests.benchmarks.serving.plan import Plan, Planned
from tests.benchmarks.serving.verdicts import of_measure

ON_CUDA = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device")


@pytest.fixture(params=["cpu", pytest.param("cuda", marks=ON_CUDA)])
def asked(request: pytest.FixtureRequest, tiny_model: Path) -> Asked:
    device: str = request.param
    return Asked(
        folder=str(tiny_model),
        shape="tiny",
        device=device,
        seed=1,
        requests=4,
        exact_requests=4,
        cancels=4,
        hang_s=60.0,
        slo_s=30.0,
        trials=2,
        trial_s=0.5,
        graphs=device == "cuda",
    )


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoding, "_BATCH", 4)
    monkeypatch.setattr(decoding, "_DECODED", 12)
    few = [case for case in attention.CASES if sum(map(sum, case.parts)) < 1000]
    monkeypatch.setattr(attention, "CASES", few)
    monkeypatch.setattr("tests.benchmarks.serving.bandwidth._COPIED_BYTES", {"cpu": 1 << 20})


def lines(name: str, figures: Any, asked: Asked) -> str:
    through_json = json.loads(json.dumps(figures))
    return "\n".join(one.line() for one in of_measure(name, through_json, asked))


def test_attention_is_compared_with_exact_attention(asked: Asked) -> None:
    figures = attention.measure(asked)
    assert len(figures) == 4
    assert lines("attention", figures, asked).startswith("reached    attention is attention")


def test_attention_that_looks_at_other_keys_is_found_out(
    asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    def wrong(query: Any, keys: Any, values: Any, layout: Any, scale: float) -> Any:
        return right(query, keys, values, replace(layout, begins=layout.begins + 1), scale)

    right = attention.packed
    monkeypatch.setattr(attention, "packed", wrong)
    monkeypatch.setattr(attention, "flash", wrong)
    assert lines("attention", attention.measure(asked), asked).startswith("MISSED")


def test_decoding_is_compared_with_the_bandwidth_of_a_copy(asked: Asked) -> None:
    figures = decoding.measure(asked)
    assert figures["eager"]["batch"] == 4
    assert figures["eager"]["step_s"] > 0
    assert "a copy moves" in lines("decoding", figures, asked)


def test_steps_that_were_not_recorded_are_told_as_such(asked: Asked) -> None:
    asked = replace(asked, graphs=True)
    figures = decoding.measure(asked)
    assert figures["recorded"] is (asked.device == "cuda")
    assert figures["agree"] > 0.5
    missed = "MISSED     graphs write what steps write: steps could not be recorded"
    assert (missed in lines("decoding", figures, asked)) is not figures["recorded"]


def test_rates_are_tried_and_those_that_hold_are_told(asked: Asked) -> None:
    figures = slo.measure(asked)
    assert [rate for rate, _ in figures["tried"]] == [4.0, 8.0]
    assert figures["memory_bytes"] > 0
    assert "8.0/s here at p95" in lines("slo", figures, asked)


def test_a_rate_that_cannot_be_kept_up_with_is_given_up(asked: Asked) -> None:
    asked = replace(asked, slo_s=1e-6, trials=1)
    figures = slo.measure(asked)
    assert "0.0/s here" in lines("slo", figures, asked)


def test_models_of_real_shapes_are_made_in_half_precision(
    asked: Asked, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes = {"hidden_size": 128, "num_hidden_layers": 1, "num_attention_heads": 4}
    monkeypatch.setitem(shapes.LARGE, "1.5b", {**sizes, "intermediate_size": 256})
    asked = replace(asked, shape="1.5b", folder=str(tmp_path / "model"))
    made = model.measure(asked)
    weights = 151_936 * 128 + 128 * (64 + 3 * 256) + 2 * 128 * 128
    assert 2 * weights < made["bytes"] < 2.2 * weights
    figures = decoding.measure(asked)
    assert figures["eager"]["read_bytes"] > 4 * weights


def test_a_measure_that_fails_or_comes_too_late_takes_no_other_along(
    asked: Asked,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def part(name: str, asked: Asked, **options: str) -> dict[str, Any]:
        if name == "model":
            return {"bytes": 1, "device": "a card"}
        if name == "prefix":
            raise PartFailed("prefix: exit status 1")
        return {"unlike": 2.0, "alike": 0.1, **options}

    monkeypatch.setattr(plan, "run_part", part)
    file = tmp_path / "figures.json"
    planned = Planned(["ours"], 1, 1000.0, "tiny")
    run = Plan(tmp_path, planned, file).run

    def told(measures: Sequence[str]) -> list[tuple[str, bool | None]]:
        return [(one.goal, one.reached) for one in run(asked, measures)]

    assert told(["prefix"]) == [("prefix", False)]
    late = Plan(tmp_path, replace(planned, budget_s=-1.0), None).run(asked, ["prefix"])
    assert [one.reached for one in late] == [None]
    assert "exit status 1" in capsys.readouterr().err
    assert json.loads(file.read_text()) == {}


def test_without_a_cuda_device_that_is_said_in_one_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert main(["--device", "cuda"]) == 2
    said = capsys.readouterr()
    assert (said.out, said.err) == ("", "there is no CUDA device here: nothing was measured\n")
