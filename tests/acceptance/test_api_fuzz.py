"""Our OpenAPI description is true; see `tests.acceptance.api_fuzz`."""

from pathlib import Path

from tests.acceptance.api_fuzz import campaign


async def test_no_request_makes_an_error_and_every_answer_is_documented(
    tmp_path: Path, valkey_url: str
) -> None:
    report = await campaign(tmp_path / "home", valkey_url, cases=3, seed=1)
    assert report.passed, report.said
    assert report.troubles == []
