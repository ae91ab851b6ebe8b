"""The dashboard: one static page that reads `/api/v1` with a token the reader pastes."""

from bot.web.routes import web_router

__all__ = ["web_router"]
