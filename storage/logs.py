"""Structured logs: one JSON object a line, on standard error, without secrets."""

import logging
import sys
from collections.abc import MutableMapping
from typing import Any, cast

import structlog

from storage.redaction import Redactor

HIDDEN = "***"
_SECRET_KEYS = ("token", "secret", "password", "callback", "authorization", "private_key")


def hide_secrets(
    logger: object, method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """Blank the values of keys that name a secret."""
    del logger, method
    for key in event:
        if any(part in key.lower() for part in _SECRET_KEYS):
            event[key] = HIDDEN
    return event


class SecretFilter:
    """Takes secrets out of every value, whatever it is called and however deep it lies."""

    def __init__(self, redactor: Redactor) -> None:
        """As `redactor` knows them."""
        self._redactor = redactor

    def __call__(
        self, logger: object, method: str, event: MutableMapping[str, Any]
    ) -> MutableMapping[str, Any]:
        """A structlog processor; goes behind the one that formats exceptions."""
        del logger, method
        return {key: self._clean(value, key) for key, value in event.items()}

    def _clean(self, value: object, key: str = "") -> object:
        if value is None or isinstance(value, bool | int | float) or key.startswith("_"):
            return value  # what begins with an underscore is structlog's own and not written
        if isinstance(value, list | tuple | set | frozenset):
            return [self._clean(each) for each in cast("list[object]", value)]
        if isinstance(value, dict):
            items = cast("dict[object, object]", value).items()
            return {str(key): self._clean(each) for key, each in items}
        return self._redactor.redacted(value if isinstance(value, str) else repr(value))


_CHATTY = ("apscheduler", "httpx", "httpcore", "uvicorn", "discord", "alembic", "arq")


def set_up_logging(level: int = logging.INFO, *, redactor: Redactor | None = None) -> None:
    """Send this process' logs to standard error as JSON lines; of the libraries' the warnings.

    `redactor` knows this installation's own secrets; without it their forms are known.
    """
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        hide_secrets,
        structlog.processors.format_exc_info,
        SecretFilter(redactor or Redactor()),
    ]
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(),
            ],
            foreign_pre_chain=shared,
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for library in _CHATTY:
        logging.getLogger(library).setLevel(logging.WARNING)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
    )
