"""Asks a server until it answers, refuses for good, or the tries are used up."""

import json
import random
import time
from collections.abc import Iterator
from itertools import islice

import httpx

from engines.generation.batching.text import StopStrings
from engines.generation.remote.concessions import Concessions
from engines.generation.remote.connection import BodyTooLong, Connector, Cut, Response
from engines.generation.remote.endpoint import Endpoint
from engines.generation.remote.events import EventReader, EventTooLong, ServerEvent
from engines.generation.remote.judging import (
    Problem,
    judged,
    lost,
    no_such_model,
    redirected,
    wanted_wait_s,
)
from engines.generation.remote.listing import listed_models
from engines.generation.remote.refusals import said_in_body
from engines.generation.remote.wire import NOTHING, Body, Reading, Told, Wire, json_object
from engines.generation.remote.writing import RemoteWriting
from engines.generation.types import Finish, ModelRequest, ModelUnavailable

_OK, _REDIRECTS = 200, range(300, 400)
_ERROR_CHUNKS = 16
"""Of the body of an error, at most 64 KiB each."""


class Attempts:
    """Asks one endpoint, for many requests at once."""

    def __init__(self, endpoint: Endpoint, wire: Wire, connector: Connector) -> None:
        """Nothing is known of the server yet."""
        self._endpoint = endpoint
        self._wire = wire
        self._connector = connector
        every_schema = {each.name for each in wire.concessions if each.is_about_schema}
        first = frozenset[str]() if endpoint.constrains_json else frozenset(every_schema)
        self._concessions = Concessions(wire, first)

    def check(self, request: ModelRequest) -> None:
        """Whether it can be put in the server's terms.

        Raises:
            RequestRefused: It cannot.
        """
        self._wire.body(self._endpoint, request, self._concessions.made_for(request))

    def run(self, writing: RemoteWriting) -> None:
        """From the first try to the end."""
        try:
            self._run(writing)
        finally:
            if not writing.is_over:
                writing.fail(ModelUnavailable(f"asking {self._endpoint.name} failed (a bug)"))

    def _run(self, writing: RemoteWriting) -> None:
        conceded = self._concessions.made_for(writing.request)
        retries = 0
        while not writing.is_over:
            body = self._wire.body(self._endpoint, writing.request, conceded)
            problem = self._try(writing, body, conceded)
            if problem is None or writing.settle():
                return
            if concession := self._concession(problem, body, writing):
                conceded |= {concession}
                continue
            if not self._wait(problem, writing, retries):
                writing.fail(self._final(problem, writing).failure)
                return
            retries += 1

    def _concession(self, problem: Problem, body: Body, writing: RemoteWriting) -> str | None:
        if problem.said is None or writing.has_text:
            return None
        return self._concessions.next(problem.said, body)

    def _wait(self, problem: Problem, writing: RemoteWriting, retries: int) -> bool:
        """Before another try; whether there is one."""
        bounds = self._endpoint.bounds
        if not problem.may_pass or writing.has_text or retries >= bounds.retries:
            return False
        jitter = random.uniform(0.5, 1.5)  # noqa: S311 (spreads retries)
        wait_s = bounds.backoff_s * 2**retries * jitter
        if problem.wait_s is not None:
            wait_s = problem.wait_s + min(wait_s, problem.wait_s / 4)
        if wait_s > bounds.longest_wait_s or time.monotonic() + wait_s >= writing.deadline_s:
            return False
        writing.pause(wait_s)
        return True

    def _final(self, problem: Problem, writing: RemoteWriting) -> Problem:
        if problem.said is not None and problem.said.is_about_model:
            cut = writing.begin_try(())
            models = listed_models(self._connector, self._endpoint, self._wire, cut)
            return no_such_model(problem, self._endpoint, (each.name for each in models))
        if problem.wait_s:
            wait = f"{problem.failure}; it wants to be asked again in {problem.wait_s:.0f} seconds"
            return Problem(type(problem.failure)(wait))
        return problem

    def _try(self, writing: RemoteWriting, body: Body, conceded: frozenset[str]) -> Problem | None:
        """One request; None when the text is over."""
        remarks = self._concessions.remarks(writing.request, conceded, body)
        cut = writing.begin_try(remarks)
        try:
            return self._ask(writing, body, conceded, cut)
        except httpx.HTTPError as error:
            return lost(error, self._endpoint)
        except (BodyTooLong, EventTooLong) as error:
            where = f"{self._endpoint.name} at {self._endpoint.host}"
            return Problem(ModelUnavailable(f"the answer of {where} is not taken: {error}"))
        finally:
            writing.end_try()

    def _ask(
        self, writing: RemoteWriting, body: Body, conceded: frozenset[str], cut: Cut
    ) -> Problem | None:
        endpoint = self._endpoint
        request = self._connector.order(
            endpoint.root + self._wire.path,
            self._wire.headers(endpoint),
            json.dumps(body.fields, ensure_ascii=False).encode("utf-8", "replace"),
        )
        most_bytes = endpoint.bounds.response_bytes
        with self._connector.response(request, cut, most_bytes=most_bytes) as response:
            if response.status != _OK:
                return self._refused(response, writing.request)
            reading = self._wire.reading(writing.request, conceded)
            told = _told(response, reading)
            if told is None:
                return Problem(
                    ModelUnavailable(
                        f"{endpoint.name} at {endpoint.host} answers with a page, not with a text; "
                        "is the address right?"
                    )
                )
            return self._write(self._keeping(told, writing.request, conceded), writing)

    def _refused(self, response: Response, request: ModelRequest) -> Problem:
        if response.status in _REDIRECTS:
            return redirected(response.status, self._endpoint)
        content = b"".join(islice(response.chunks, _ERROR_CHUNKS))
        said = said_in_body(response.status, content)
        problem = judged(said, self._endpoint, request)
        wait_s = wanted_wait_s(response.headers)
        return Problem(problem.failure, said, problem.may_pass, wait_s)

    def _keeping(
        self, told: Iterator[Told], request: ModelRequest, conceded: frozenset[str]
    ) -> Iterator[Told]:
        """The same; once the model writes, what was conceded was enough."""
        is_kept = not conceded
        for each in told:
            if not is_kept and each.is_progress and each.error is None:
                self._concessions.keep(request, conceded)
                is_kept = True
            yield each

    def _write(self, told: Iterator[Told], writing: RemoteWriting) -> Problem | None:
        stops = StopStrings(writing.request.stop)
        for each in told:
            if writing.is_over:
                return None
            writing.hear(each.counts, each.model, is_progress=each.is_progress)
            if each.error is not None:
                return judged(each.error, self._endpoint, writing.request)
            text, is_stopped = stops.feed(each.text)
            writing.write(text)
            if is_stopped:
                writing.was_stopped_here = True
                writing.finish(Finish.STOP)
                return None
            if each.finish is not None:
                writing.write(stops.rest())
                writing.see_finish(each.finish)
            if each.is_last:
                writing.write(stops.rest())
                writing.see_finish(writing.seen_finish or Finish.STOP)
                break
        if writing.settle():
            return None
        writing.write(stops.rest())
        where = f"{self._endpoint.name} at {self._endpoint.host}"
        why = f"{where} ended the connection before the answer was complete"
        return Problem(ModelUnavailable(why), may_pass=True)


def _told(response: Response, reading: Reading) -> Iterator[Told] | None:
    """What the response tells, as it comes; None where it is no answer at all."""
    kind = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if kind == "text/html":
        return None
    if kind == "application/json":
        return _whole(response, reading)
    return map(reading.event, _events(response.chunks))


def _events(chunks: Iterator[bytes]) -> Iterator[ServerEvent]:
    reader = EventReader()
    for chunk in chunks:
        yield from reader.feed(chunk)
    yield from reader.end()


def _whole(response: Response, reading: Reading) -> Iterator[Told]:
    """The answer of a server that does not stream."""
    content = json_object(response.body())
    yield reading.whole(content) if content is not None else NOTHING
