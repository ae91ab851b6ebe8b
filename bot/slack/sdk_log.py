"""Loggers for Slack's SDK and bolt."""

import logging


def sdk_logger(name: str) -> logging.Logger:
    """A logger that never falls to DEBUG, where the SDK prints messages and response_urls."""
    logger = logging.getLogger(f"bot.slack.{name}")
    logger.setLevel(logging.INFO)
    return logger
