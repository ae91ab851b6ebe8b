"""What our HTTP routes answer beside success, as the OpenAPI description tells it."""

from typing import Any

from fastapi import Security
from fastapi.security import HTTPBearer
from pydantic import BaseModel

Documented = dict[int | str, dict[str, Any]]


class Problem(BaseModel):
    """Why a request came to nothing, for a person."""

    detail: str


class Complaint(BaseModel):
    """What is wrong with one field."""

    loc: list[str | int]
    msg: str
    type: str


class Unprocessable(BaseModel):
    """What a request lacks: in words, or field by field."""

    detail: str | list[Complaint]


_MEANINGS = {
    400: "The request is broken.",
    401: "No token, or one that is not taken.",
    403: "The token's role does not allow it.",
    404: "There is none, or it is not yours.",
    408: "The body did not arrive in time.",
    413: "The body is too large.",
    415: "The content type is not taken.",
    503: "Not now: send it again after `Retry-After`.",
}
_UNPROCESSABLE = 422
BEARER = Security(HTTPBearer(auto_error=False, description="`gryph token`"))
"""Describes the token; the routes look at it themselves."""


def problems(*statuses: int) -> Documented:
    """The description of these statuses, for a route's `responses`."""
    return {
        status: {"model": Unprocessable, "description": "Something in it is missing or wrong."}
        if status == _UNPROCESSABLE
        else {"model": Problem, "description": _MEANINGS[status]}
        for status in statuses
    }


EVERYWHERE = problems(400, 408, 413, 422, 503)
"""What `bot.door` and the framework answer on any route."""


def succeeds(media_type: str, schema: dict[str, Any]) -> Documented:
    """The description of a 200 that is no JSON."""
    return {200: {"description": "As asked.", "content": {media_type: {"schema": schema}}}}


def takes(model: type[BaseModel]) -> dict[str, Any]:
    """The description of a JSON body that a route reads itself, for its `openapi_extra`."""
    content = {"application/json": {"schema": model.model_json_schema()}}
    return {"requestBody": {"required": True, "content": content}}
