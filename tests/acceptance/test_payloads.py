"""GitHub's published webhooks; see `tests.acceptance.payloads`."""

from pathlib import Path

import pytest

from tests.acceptance.octokit import COUNT, NoExamples, examples
from tests.acceptance.payloads import campaign


async def test_every_published_webhook_is_ignored_or_answered_once(
    tmp_path: Path, valkey_url: str
) -> None:
    try:
        published = examples()
    except NoExamples as error:
        pytest.skip(str(error))
    assert len(published) == COUNT
    report = await campaign(tmp_path / "home", valkey_url, published)
    assert report.violations == []
    assert report.answered > 0
