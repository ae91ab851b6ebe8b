"""Discord's answers when it does not do what it is asked, by HTTP status and its own code.

https://docs.discord.com/developers/topics/opcodes-and-status-codes
"""


class Refused(Exception):
    """An error answer."""

    def __init__(self, status: int, code: int, message: str) -> None:
        """As Discord's JSON error says it."""
        super().__init__(f"{status} {code}: {message}")
        self.status = status
        self.code = code
        self.message = message


class Limited(Refused):
    """429: too many calls."""

    def __init__(self, retry_after_s: float, *, everywhere: bool) -> None:
        """`everywhere` is for the limit that all routes share."""
        super().__init__(429, 0, "You are being rate limited.")
        self.retry_after_s = retry_after_s
        self.everywhere = everywhere


def unauthorized() -> Refused:
    """The token is none."""
    return Refused(401, 0, "401: Unauthorized")


def unknown(what: str, code: int) -> Refused:
    """There is no such thing."""
    return Refused(404, code, f"Unknown {what}")


def invalid(detail: str) -> Refused:
    """The request breaks one of Discord's limits."""
    return Refused(400, 50035, f"Invalid Form Body: {detail}")
