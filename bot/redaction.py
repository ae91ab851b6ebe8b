"""Takes secrets out of what we say: tokens of the platforms, cloud keys, private keys, JWTs.

Forms are those of the platforms' own documentation, the newest included. What an engine quotes
from people's code passes here before any platform sees it.
"""

import re
from typing import TypeVar, cast

from pydantic import BaseModel

HIDDEN = "[secret removed]"

_FORMS = (
    r"gh[oprsu]_[A-Za-z0-9_.-]{16,}",  # GitHub; since 2026 installation tokens carry a JWT
    r"github_pat_[A-Za-z0-9_]{20,}",
    r"xox[abceoprs]-[A-Za-z0-9-]{10,}",  # Slack
    r"xoxe\.xox[bp]-[A-Za-z0-9-]{10,}",
    r"xapp-[0-9]-[A-Za-z0-9-]{10,}",
    r"[MNO][A-Za-z0-9_-]{23,27}\.[A-Za-z0-9_-]{6}\.[A-Za-z0-9_-]{27,}",  # Discord bots
    r"eyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}",  # JWT
    r"(?:AKIA|ASIA)[A-Z0-9]{16}",  # AWS
    r"AIza[A-Za-z0-9_-]{35}",  # Google
    r"sk-(?:ant-|proj-)?[A-Za-z0-9_-]{20,}",  # model providers
    r"glpat-[A-Za-z0-9_-]{20,}",
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)",
)
_SECRET = re.compile("|".join(f"(?:{form})" for form in _FORMS))

ModelT = TypeVar("ModelT", bound=BaseModel)


def redacted(text: str) -> str:
    """The text with every secret replaced."""
    return _SECRET.sub(HIDDEN, text)


def redacted_model(model: ModelT) -> ModelT:
    """The model with every secret in any of its strings replaced."""
    return type(model).model_validate(_walk(model.model_dump(mode="json")))


def _walk(value: object) -> object:
    if isinstance(value, str):
        return redacted(value)
    if isinstance(value, list):
        return [_walk(each) for each in cast("list[object]", value)]
    if isinstance(value, dict):
        return {key: _walk(each) for key, each in cast("dict[str, object]", value).items()}
    return value
