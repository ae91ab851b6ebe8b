"""Serves the dashboard's three files; nothing on the page comes from elsewhere."""

from importlib import resources

from fastapi import APIRouter, Response

_FILES = {
    "/": ("dashboard.html", "text/html; charset=utf-8"),
    "/web/dashboard.css": ("dashboard.css", "text/css; charset=utf-8"),
    "/web/dashboard.js": ("dashboard.js", "text/javascript; charset=utf-8"),
}
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}


def web_router() -> APIRouter:
    """The routes of the dashboard at `/`."""
    router = APIRouter(include_in_schema=False)
    for path, (name, media_type) in _FILES.items():
        router.add_api_route(path, _Page(name, media_type), methods=["GET"], name=name)
    return router


class _Page:
    """One file of this package, read once."""

    def __init__(self, name: str, media_type: str) -> None:
        self._content = resources.files("bot.web").joinpath(name).read_bytes()
        self._media_type = media_type

    async def __call__(self) -> Response:
        return Response(self._content, media_type=self._media_type, headers=HEADERS)
