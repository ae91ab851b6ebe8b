"""The anchors' own file: appended whole, numbered, chained, and hard to shorten unseen."""

import json
import stat
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest

from storage import anchors
from storage.anchors import Anchor
from storage.audit import Head, Verdict

KEY = b"k" * 32
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


def head(seq: int) -> Head:
    return Head(seq, f"{seq:064x}")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    made = tmp_path / "anchors" / "audit.log"
    for seq in (2, 5, 9, 9, 12):
        anchors.append(made, KEY, head(seq), NOW)
    return made


def lines(path: Path) -> list[str]:
    return path.read_text().splitlines()


def told(kept: list[Anchor], *, is_whole: bool = True) -> list[str]:
    heads = {seq: head(seq).mac for seq in range(20)}
    verdict = Verdict(ok=True, rows=19, first_bad_seq=None, head=heads[19], heads=heads)
    found = anchors.contradictions(kept, KEY, verdict, is_whole=is_whole)
    return [trouble.text for trouble in found]


def test_each_head_is_one_line_and_the_same_head_is_none(path: Path) -> None:
    kept = anchors.read(lines(path))
    assert [(each.number, each.seq) for each in kept] == [(1, 2), (2, 5), (3, 9), (4, 12)]
    assert told(kept) == []


def test_the_file_is_its_owners_alone(path: Path) -> None:
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


@pytest.mark.parametrize("gone", [0, 1, 2])
def test_an_anchor_taken_out_is_missed(path: Path, gone: int) -> None:
    kept = anchors.read(lines(path))
    del kept[gone]
    assert told(kept) == [f"anchor {gone + 1} is missing from the file or was changed"]


def test_anchors_in_another_order_are_noticed(path: Path) -> None:
    kept = anchors.read(lines(path))
    assert told([kept[0], kept[2], kept[1], kept[3]]) != []


@pytest.mark.parametrize(
    "change", [{"seq": 3}, {"head": "f" * 64}, {"number": 7}, {"at": "2026-11-24T12:00:01Z"}]
)
def test_a_changed_anchor_is_not_ours(path: Path, change: dict[str, object]) -> None:
    kept = anchors.read([json.dumps(json.loads(line) | change) for line in lines(path)][1:2])
    assert "not written with this installation's key" in told(kept, is_whole=False)[0]


def test_a_line_that_a_crash_left_half_written_is_stepped_over(path: Path) -> None:
    with path.open("a") as file:
        file.write('{"number":5,"seq":13,"he')
    assert anchors.append(path, KEY, head(15), NOW) is not None
    kept = anchors.read(lines(path))
    assert [each.number for each in kept] == [1, 2, 3, 4, 5]
    assert told(kept) == []


def test_a_line_made_unreadable_is_missed(path: Path) -> None:
    first, _, *others = lines(path)
    assert told(anchors.read([first, "{}", *others])) != []


def test_a_copy_elsewhere_may_begin_late_and_lie_among_other_lines(path: Path) -> None:
    log = ["2026-11-24 gateway ready", '{"event": "job done"}']
    log += [
        "gateway[7]: " + json.dumps({"event": "audit anchored", **json.loads(line)})
        for line in lines(path)[1::2]
    ]
    kept = anchors.read(log)
    assert [each.number for each in kept] == [2, 4]
    assert told(kept, is_whole=False) == []


def test_processes_that_write_together_make_one_chain(tmp_path: Path) -> None:
    path = tmp_path / "audit.log"

    def write(seq: int) -> None:
        anchors.append(path, KEY, head(seq), NOW)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(1, 17)))
    kept = anchors.read(lines(path))
    assert [each.number for each in kept] == list(range(1, 17))
    assert told(kept) == []
