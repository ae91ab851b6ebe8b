"""The dashboard: one static page that reads `/api/v1`, for people who log in or paste a token."""

from bot.web.routes import web_router

__all__ = ["web_router"]
