"""Discord's limits: of a message by its content, of calls by buckets.

https://docs.discord.com/developers/resources/message, components/reference, topics/rate-limits
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tests.fakes.discord_wire.refusals import Limited, Refused, invalid

CONTENT = 2_000
NONCE = 25
ROWS, BUTTONS, LABEL, CUSTOM_ID = 5, 5, 80, 100
FILES = 10
FILE_BYTES = 10 * 1024 * 1024
REQUEST_BYTES = 25 * 1024 * 1024
THREAD_NAME = 100

CALLS_A_SECOND = 50
BUCKET_CALLS, BUCKET_S = 5, 5.0
"""Of one route and channel, for posting and editing: measured by users, not promised."""
_BUTTON, _ROW = 2, 1


def units(text: str) -> int:
    """Length in UTF-16 units."""
    return len(text.encode("utf-16-le")) // 2


def check_message(body: Mapping[str, Any], files: Sequence[bytes]) -> None:
    """Raise Refused when Discord would not take the message."""
    content = body.get("content") or ""
    components: list[dict[str, Any]] = body.get("components") or []
    if not (content.strip() or components or files):
        raise Refused(400, 50006, "Cannot send an empty message")
    check_content(content, components)
    nonce = body.get("nonce")
    _require(nonce is None or len(str(nonce)) <= NONCE, f"nonce: at most {NONCE}")
    _require(len(files) <= FILES, f"attachments: at most {FILES}")
    if any(len(each) > FILE_BYTES for each in files) or sum(map(len, files)) > REQUEST_BYTES:
        raise Refused(413, 40005, "Request entity too large")


def check_content(content: str, components: Sequence[Mapping[str, Any]]) -> None:
    """Raise Refused when text or buttons are too much for a message."""
    _require(units(content) <= CONTENT, f"content: at most {CONTENT} in length")
    _require(len(components) <= ROWS, f"components: at most {ROWS}")
    ids: list[str] = []
    for row in components:
        _require(row.get("type") == _ROW, "components: only rows")
        buttons: list[dict[str, Any]] = row["components"]
        _require(1 <= len(buttons) <= BUTTONS, f"components: 1 to {BUTTONS} in a row")
        for button in buttons:
            _require(button.get("type") == _BUTTON, "components: only buttons in a row")
            _require(1 <= units(button["label"]) <= LABEL, f"label: 1 to {LABEL}")
            _require(1 <= units(button["custom_id"]) <= CUSTOM_ID, f"custom_id: 1 to {CUSTOM_ID}")
            ids.append(button["custom_id"])
    _require(len(ids) == len(set(ids)), "custom_id: duplicated")


@dataclass
class _Window:
    ends_at_s: float
    left: int


class Buckets:
    """Who may call how often."""

    def __init__(self, clock: Callable[[], float]) -> None:
        """Nobody has called yet; `clock` gives seconds."""
        self._clock = clock
        self._all = _Window(0.0, CALLS_A_SECOND)
        self._windows: dict[str, _Window] = {}

    def spend_everywhere(self) -> None:
        """Count a call against the limit that all routes share. Raises Limited."""
        now_s = self._clock()
        if now_s >= self._all.ends_at_s:
            self._all = _Window(now_s + 1.0, CALLS_A_SECOND)
        if self._all.left <= 0:
            raise Limited(self._all.ends_at_s - now_s, everywhere=True)
        self._all.left -= 1

    def spend(self, bucket: str) -> dict[str, str]:
        """Count a call of one bucket; the headers that say how it stands. Raises Limited."""
        now_s = self._clock()
        window = self._windows.get(bucket)
        if window is None or now_s >= window.ends_at_s:
            window = self._windows[bucket] = _Window(now_s + BUCKET_S, BUCKET_CALLS)
        left_s = window.ends_at_s - now_s
        if window.left <= 0:
            raise Limited(left_s, everywhere=False)
        window.left -= 1
        return {
            "X-RateLimit-Bucket": bucket.partition(" of ")[0],
            "X-RateLimit-Limit": str(BUCKET_CALLS),
            "X-RateLimit-Remaining": str(window.left),
            "X-RateLimit-Reset": f"{window.ends_at_s:.3f}",
            "X-RateLimit-Reset-After": f"{math.ceil(left_s * 1000) / 1000:.3f}",
        }


def _require(holds: bool, detail: str) -> None:  # noqa: FBT001 - reads as an assertion
    if not holds:
        raise invalid(detail)
