"""Routes of the App itself, and GraphQL as far as reactions need it."""

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Body, Request, Response

from tests.fakes.github import shapes
from tests.fakes.github.access import Access, Token, allows
from tests.fakes.github.hooks import Hooks
from tests.fakes.github.world import APP_ID, ApiError, Comment, World

Json = Annotated[dict[str, Any], Body()]
MOST_NODES = 100
OUTCOMES = {"success": range(200, 400), "failure": range(400, 600)}
"""How GitHub sorts deliveries by status code."""


def apps(world: World, access: Access, hooks: Hooks) -> APIRouter:
    """The routes."""
    router = APIRouter()
    _app(router, world, access)
    _hook(router, access, hooks)

    @router.post("/graphql")
    async def graphql(request: Request, body: Json) -> dict[str, Any]:
        token = access.token(request)
        ids = [str(each) for each in body.get("variables", {}).get("ids", [])]
        if "nodes(ids:" not in str(body.get("query")) or len(ids) > MOST_NODES:
            return {"errors": [{"message": "You may not provide more than 100 node ids"}]}
        return {"data": {"nodes": [_node(world, token, each) for each in ids]}}

    return router


def _app(router: APIRouter, world: World, access: Access) -> None:
    def installation(id_: int) -> dict[str, Any]:
        return {
            "id": id_,
            "app_id": int(APP_ID),
            "account": {"login": "acme"},
            "permissions": world.granted,
            "suspended_at": shapes.stamp(world.now()) if world.suspended else None,
        }

    @router.get("/app")
    async def show(request: Request) -> dict[str, Any]:
        access.app(request)
        return {"id": int(APP_ID), "slug": "gryph", "name": "Gryph"}

    @router.get("/app/installations")
    async def installations(request: Request) -> list[dict[str, Any]]:
        access.app(request)
        return [installation(world.installation)]

    @router.get("/app/installations/{id_}")
    async def one_installation(request: Request, id_: int) -> dict[str, Any]:
        access.app(request)
        if not world.is_installation(id_):
            raise ApiError(404, "Not Found")
        return installation(id_)

    @router.get("/repos/{owner}/{name}/installation")
    async def of_repository(request: Request, owner: str, name: str) -> dict[str, Any]:
        access.app(request)
        found = world.find(owner, name)
        if not found.installed:
            raise ApiError(404, "Not Found")
        return installation(found.installation)

    @router.post("/app/installations/{id_}/access_tokens", status_code=201)
    async def new_token(request: Request, id_: int) -> dict[str, Any]:
        access.app(request)
        if not world.is_installation(id_):
            raise ApiError(404, "Not Found")
        body: dict[str, Any] = await request.json() if await request.body() else {}
        token = access.new_token(body, id_)
        return {
            "token": token.value,
            "expires_at": shapes.stamp(token.expires_at),
            "permissions": token.permissions,
        }


def _hook(router: APIRouter, access: Access, hooks: Hooks) -> None:
    @router.get("/app/hook/deliveries")
    async def deliveries(
        request: Request,
        response: Response,
        per_page: int = 30,
        cursor: int = 0,
        status: str | None = None,
    ) -> list[dict[str, Any]]:
        access.app(request)
        codes = OUTCOMES.get(status or "", range(1000))
        newest = [each for each in reversed(hooks.deliveries) if each.status_code in codes]
        page = newest[cursor : cursor + per_page]
        if cursor + per_page < len(newest):
            url = request.url.include_query_params(cursor=cursor + per_page)
            response.headers["Link"] = f'<{url}>; rel="next"'
        return [each.as_json() for each in page]

    @router.post("/app/hook/deliveries/{id_}/attempts", status_code=202)
    async def redeliver(request: Request, id_: int) -> dict[str, Any]:
        access.app(request)
        await asyncio.shield(hooks.redeliver(id_))
        return {}


def _node(world: World, token: Token, node: str) -> dict[str, Any] | None:
    found = _comment(world, token, node)
    if found is None:
        return None
    reactions = [
        {
            "id": f"REA_{each.id}",
            "content": shapes.EMOJI[each.content],
            "user": {"login": each.by.login, "databaseId": each.by.id},
        }
        for each in found.reactions
    ]
    return {"id": node, "reactions": {"nodes": reactions}}


def _comment(world: World, token: Token, node: str) -> Comment | None:
    if not allows(token, "issues", "read") and not allows(token, "pull_requests", "read"):
        return None
    for repo in world.repositories.values():
        for comment in repo.comments.values():
            if shapes.node_id(comment) == node and repo.full_name in token.repositories:
                return comment
    return None
