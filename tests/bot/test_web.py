"""The dashboard's page: complete in itself, and closed to what people type."""

import re
from importlib import resources

import httpx
import pytest
from fastapi import FastAPI

from bot.web.routes import web_router

PAGE = resources.files("bot.web")
SOURCE = (PAGE / "dashboard.html").read_text()
SCRIPT = (PAGE / "dashboard.js").read_text()


@pytest.mark.parametrize(
    ("path", "media_type"),
    [
        ("/", "text/html"),
        ("/web/dashboard.css", "text/css"),
        ("/web/dashboard.js", "text/javascript"),
    ],
)
async def test_each_file_is_served_under_a_strict_policy(path: str, media_type: str) -> None:
    app = FastAPI()
    app.include_router(web_router())
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="http://gateway"
    ) as client:
        answer = await client.get(path)
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith(media_type)
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_nothing_is_loaded_from_elsewhere_and_nothing_is_inline() -> None:
    assert set(re.findall(r'(?:src|href)="([^"]+)"', SOURCE)) == {
        "/web/dashboard.css",
        "/web/dashboard.js",
    }
    assert not re.search(r"<style|\sstyle=|\son\w+=|<script>", SOURCE)


def test_text_never_becomes_markup() -> None:
    assert not re.search(r"innerHTML|outerHTML|insertAdjacent|document\.write|eval\(", SCRIPT)


def test_the_script_and_the_page_speak_of_the_same_elements() -> None:
    assert set(re.findall(r'byId\("([\w-]+)"\)', SCRIPT)) == set(
        re.findall(r'id="([\w-]+)"', SOURCE)
    )
