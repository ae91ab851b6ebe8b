"""The gateway's composition root: faces, loops and the HTTP application, wired once.

A loop that dies takes the process with it, so that a supervisor starts a whole one again instead
of keeping half a gateway.
"""

import asyncio
import contextlib
import json
import os
import signal
import socket
from collections.abc import Awaitable, Callable, Generator, Mapping
from dataclasses import dataclass
from datetime import timedelta

import structlog
import uvicorn
from fastapi import APIRouter, FastAPI
from redis.asyncio import Redis
from typing_extensions import override

from bot.answers import EVERYWHERE
from bot.api import ApiParts, api_router
from bot.artifacts import Artifacts
from bot.auditing import ANCHOR_S, Anchoring
from bot.auth import ApiKeys
from bot.budgets import Budgets
from bot.console.face import console_face
from bot.console.notifier import Notifier
from bot.delivery import Delivery, Manners
from bot.dispatch import Dispatcher, Surroundings
from bot.door import Door
from bot.face import Undeliverable
from bot.grants import Grants
from bot.health import Health
from bot.heap import keep_compact, keep_trimmed
from bot.ingress import Ingress
from bot.intake import DurableIntake
from bot.leader import Chore, Leader
from bot.limits import Limits
from bot.listening import listener
from bot.metrics import GatewayMetrics
from bot.operations import operations
from bot.outbox import Clearance, Outbox
from bot.platforms import Loop, Platforms, connect
from bot.settings import GatewaySettings, MissingSetting
from bot.web.face import Web, web_of
from bot.wire import PatientProtocol
from handlers import Platform
from jobs.messages import say
from jobs.queue import ArqQueue
from storage import artifacts, audit, ledger, retention, targets, vault
from storage.backups import noted
from storage.bounds import Bounds
from storage.clock import utc_now
from storage.database import Database
from storage.files import write_whole
from storage.heart import Heart
from storage.ledger import Ring
from storage.logs import set_up_logging
from storage.presence import Freed, Identity
from storage.redaction import Redactor, own_secrets
from storage.retention import Kept
from storage.stores.choice import open_store
from storage.stores.types import ArtifactStore
from storage.traces import set_up_tracing
from storage.vault import KeyRing

log = structlog.get_logger()

REAP_S = 5.0
RETENTION_S = 3600.0
SWEPT_AFTER = timedelta(hours=6)
REDIS_TIMEOUT_S = 10.0
"""Longer than the event stream's blocking read."""
GRACEFUL_S = 3
NO_BROKER = "GRYPH_REDIS_URL is missing; `gryph up` starts an embedded Valkey by itself."


@dataclass
class Gateway:
    """A composed gateway: serve `app` while `run` runs."""

    app: FastAPI
    heart: Heart
    loops: list[Loop]
    redactor: Redactor
    close: Callable[[], Awaitable[None]]

    async def run(self) -> None:
        """All loops, until cancelled; the first to fail ends the others."""
        await self.heart.beat()  # what is taken is held only by a process that is known
        async with asyncio.TaskGroup() as group:
            for loop in (self.heart.run, *self.loops):
                group.create_task(_endless(loop))


@dataclass(frozen=True)
class _Keys:
    """The keys of this installation, made on first use, and who keeps them out of what is said."""

    checkout: KeyRing
    audit: bytes
    api: ApiKeys
    redactor: Redactor

    @classmethod
    def of(cls, settings: GatewaySettings) -> "_Keys":
        checkout = vault.checkout_keys(settings.home, settings.checkout_key)
        audit_key = audit.load_key(settings.home)
        api = ApiKeys(settings.home)
        api.ensure()
        return cls(checkout, audit_key, api, Redactor(own_secrets(settings)))


async def _endless(loop: Loop) -> None:
    await loop()


def compose(settings: GatewaySettings, public_url: str) -> Gateway:
    """Wire a gateway. Nothing runs and nothing is connected yet.

    Raises:
        MissingSetting: A platform is half configured, or there is no broker.
    """
    if settings.redis_url is None:
        raise MissingSetting(NO_BROKER)
    keys = _Keys.of(settings)
    metrics = _metrics(settings)
    database = _database(settings, metrics)
    redis = _redis(settings.redis_url)
    queued = asyncio.Event()
    heart = _heart(database, metrics, queued)
    intake = DurableIntake(database, metrics, holder=heart.owner)
    store = open_store(settings)
    kept = Artifacts(database, store, public_url)
    notifier = Notifier()
    platforms = connect(settings, database, intake, kept, _budgets(redis, metrics))
    platforms.faces[Platform.CONSOLE] = console_face(database, notifier)
    metrics.watch(platforms.standing, platforms.uplinks, platforms.faces)
    delivery = Delivery(
        database,
        redis,
        platforms.faces,
        metrics,
        holder=heart,
        manners=Manners(intake.calm, keys.redactor),
    )
    surroundings = _surroundings(
        settings, (database, Limits(redis), metrics, kept), platforms, keys
    )
    dispatcher = Dispatcher(surroundings, intake, on_jobs=queued.set, on_deliveries=delivery.notice)
    queue = ArqQueue(settings.redis_url)
    anchoring = Anchoring(settings, database, metrics)
    clearance = _clearance(dispatcher, Grants(database, keys.checkout, platforms.tokens))
    outbox = Outbox(database, queue, clearance, metrics, queued, settings.line_window)
    delivery.heard = outbox.heard
    chores = {
        "audit-anchor": Chore(ANCHOR_S, anchoring.anchor),
        "reap": Chore(REAP_S, _reaper(database, _lost_reply(), queued, metrics)),
        "retention": Chore(RETENTION_S, _retention(database, store, _kept(settings))),
        **platforms.chores,
    }
    leader = Leader(database, chores, platforms.companions, metrics, owner=heart.owner)

    web = web_of(settings, database, public_url)
    api = _api_parts(settings, web, intake, (kept, notifier, keys))
    health = _health(settings, (database, redis), metrics, platforms)
    routers = [api_router(api), *web.routers, operations(health, metrics), *platforms.routers]
    app = _application(routers, platforms.bodies, metrics)

    async def close() -> None:
        await heart.leave()
        await anchoring.last()
        await web.close()
        for closer in platforms.closers:
            await closer()
        await queue.close()
        await redis.aclose()
        await asyncio.to_thread(database.close)

    own = [dispatcher.run, outbox.run, delivery.run, leader.run, metrics.vitals.watch_loop]
    return Gateway(app, heart, [*own, *platforms.loops, keep_trimmed], keys.redactor, close)


def _heart(database: Database, metrics: GatewayMetrics, queued: asyncio.Event) -> Heart:
    identity, on_freed = Identity.mine("gateway"), _on_freed(metrics, queued)
    return Heart(database, identity, lost=_lost_reply(), on_freed=on_freed)


def _lost_reply() -> dict[str, object]:
    return say(
        "The worker that ran this was lost each time it was started; that is a fault on our side. "
        "`retry` starts it afresh."
    ).model_dump(mode="json")


def _redis(url: str) -> Redis:
    return Redis.from_url(  # pyright: ignore[reportUnknownMemberType]
        url, socket_timeout=REDIS_TIMEOUT_S, socket_connect_timeout=2
    )


def _api_parts(
    settings: GatewaySettings,
    web: Web,
    intake: DurableIntake,
    parts: tuple[Artifacts, Notifier, _Keys],
) -> ApiParts:
    kept, notifier, keys = parts
    return ApiParts(
        keys=keys.api,
        intake=intake,
        database=web.sessions.database,
        notifier=notifier,
        read_artifact=kept.read,
        sessions=web.sessions,
        open_links=settings.artifact_links == "open",
        redactor=keys.redactor,
    )


def _health(
    settings: GatewaySettings,
    stores: tuple[Database, "Redis"],
    metrics: GatewayMetrics,
    platforms: Platforms,
) -> Health:
    parts = (*stores, metrics.vitals, platforms.trouble)
    return Health(*parts, stuck_after_s=settings.stuck_after_s)


def _database(settings: GatewaySettings, metrics: GatewayMetrics) -> Database:
    database = Database(settings.sql_url)
    database.on_write = metrics.vitals.write_s.observe
    return database


def _metrics(settings: GatewaySettings) -> GatewayMetrics:
    metrics = GatewayMetrics()
    metrics.vitals.watch_home(settings.home)
    metrics.backup_at.set_function(lambda: noted.last_at_s(settings.home))
    return metrics


def _budgets(redis: "Redis", metrics: GatewayMetrics) -> Budgets:
    return Budgets(Limits(redis), on_alone=metrics.budgets_alone.inc)


def _surroundings(
    settings: GatewaySettings,
    parts: tuple[Database, Limits, GatewayMetrics, Artifacts],
    platforms: Platforms,
    keys: _Keys,
) -> Surroundings:
    database, limits, metrics, kept = parts
    return Surroundings(
        database=database,
        faces=platforms.faces,
        limits=limits,
        metrics=metrics,
        audit_key=keys.audit,
        bounds=Bounds(
            line=settings.most_waiting,
            person=settings.most_waiting_person,
            repository=settings.most_waiting_repository,
        ),
        redactor=keys.redactor,
        read_artifact=kept.read,
        repositories={
            name: f"local:{path.expanduser().resolve()}"
            for name, path in settings.repositories.items()
        },
        per_hour=(
            settings.rate_person_per_hour,
            settings.rate_workspace_per_hour,
            settings.rate_repository_per_hour,
        ),
    )


def _application(
    routers: list[APIRouter], bodies: Mapping[str, int], metrics: GatewayMetrics
) -> FastAPI:
    app = FastAPI(
        title="GRYPHGEN Agentic",
        version="1",
        docs_url=None,
        redoc_url=None,
        responses=EVERYWHERE,
    )
    app.add_middleware(Door, largest=bodies)
    app.add_middleware(Ingress, metrics=metrics)
    for router in routers:
        app.include_router(router)
    return app


def _clearance(dispatcher: Dispatcher, grants: Grants) -> Clearance:
    async def clearance(ring: Ring) -> bool:
        if not await dispatcher.clearance(ring):
            return False
        try:
            await grants.lend(ring.job, ring.repository)
        except Undeliverable as refused:
            await dispatcher.reject(ring.job, f"I cannot read `{ring.repository}`: {refused}")
            return False
        return True

    return clearance


def _on_freed(metrics: GatewayMetrics, queued: asyncio.Event) -> Callable[[Freed], None]:
    def on_freed(freed: Freed) -> None:
        metrics.processes_gone.labels(freed.kind).inc()
        metrics.reaped.inc(len(freed.jobs))
        queued.set()

    return on_freed


def _reaper(
    database: Database, lost: dict[str, object], queued: asyncio.Event, metrics: GatewayMetrics
) -> Callable[[], Awaitable[None]]:
    async def reap() -> None:
        reaped = await database.write(lambda s: ledger.reap(s, lost, utc_now()))
        metrics.reaped.inc(len(reaped))
        if reaped:
            queued.set()

    return reap


def _retention(
    database: Database, store: ArtifactStore, kept: Kept
) -> Callable[[], Awaitable[None]]:
    async def forget() -> None:
        await retention.forget(database, kept, utc_now())
        await database.read(lambda s: artifacts.sweep(s, store, utc_now() - SWEPT_AFTER))

    return forget


def _kept(settings: GatewaySettings) -> Kept:
    return Kept(
        events=timedelta(days=settings.keep_events_days),
        artifacts=timedelta(days=settings.keep_artifacts_days),
        jobs=timedelta(days=settings.keep_jobs_days),
    )


class _Server(uvicorn.Server):
    """uvicorn without its signal handling, which would end the process before the loops did."""

    @override
    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
        yield


async def serve(settings: GatewaySettings) -> None:
    """Serve until a signal comes, or a loop fails.

    Raises:
        CannotListen: The address cannot be had.
    """
    door = listener(settings.listen)
    address: tuple[str, int] = door.getsockname()[:2]
    url = f"http://{address[0]}:{address[1]}"
    gateway = compose(settings, settings.public_url or url)
    set_up_logging(redactor=gateway.redactor)
    config = uvicorn.Config(
        gateway.app,
        http=PatientProtocol,
        ws="none",
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=GRACEFUL_S,
    )
    server = _Server(config)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, lambda: setattr(server, "should_exit", True))
    note = settings.home / "run" / "gateway.json"
    note.parent.mkdir(parents=True, exist_ok=True)
    write_whole(note, json.dumps({"url": url, "pid": os.getpid()}).encode())
    log.info("gateway ready", url=url)
    close_tracing = set_up_tracing(settings.otlp_url, "gateway")
    try:
        with targets.offered(settings.home, "gateway", f"{address[0]}:{address[1]}"):
            await _serve_beside(gateway, server, door)
    finally:
        await gateway.close()
        await asyncio.to_thread(close_tracing)


async def _serve_beside(gateway: Gateway, server: uvicorn.Server, door: socket.socket) -> None:
    loops = asyncio.ensure_future(gateway.run())
    serving = asyncio.ensure_future(server.serve(sockets=[door]))
    await asyncio.wait({loops, serving}, return_when=asyncio.FIRST_COMPLETED)
    server.should_exit = True
    await serving
    loops.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await loops


def main() -> None:
    """The process' entry."""
    keep_compact()
    set_up_logging()
    asyncio.run(serve(GatewaySettings()))


if __name__ == "__main__":
    main()
