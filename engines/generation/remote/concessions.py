"""What is left out of requests because this server refused it before."""

import hashlib
import json
import threading
from collections import OrderedDict

from engines.generation.remote.refusals import Said
from engines.generation.remote.wire import Body, Concession, Wire
from engines.generation.types import ModelRequest

_MOST_SCHEMAS = 256
_REFUSED = {400, 422, 500, 501}
"""Some servers answer what they do not know with 500."""


class Concessions:
    """The concessions made to one server. Thread-safe.

    One is kept only once the server took the request without it. Those about a schema are kept for
    that schema.
    """

    def __init__(self, wire: Wire, first: frozenset[str] = frozenset()) -> None:
        """`first` are made from the beginning, for every request."""
        self._by_name = {each.name: each for each in wire.concessions}
        self._lock = threading.Lock()
        self._made = first
        self._by_schema: OrderedDict[str, frozenset[str]] = OrderedDict()

    def made_for(self, request: ModelRequest) -> frozenset[str]:
        """Names of those that a request begins with."""
        with self._lock:
            return self._made | self._by_schema.get(_digest(request), frozenset())

    def keep(self, request: ModelRequest, names: frozenset[str]) -> None:
        """The server took a request with these."""
        about_schema = frozenset(name for name in names if self._by_name[name].is_about_schema)
        with self._lock:
            self._made |= names - about_schema
            if about_schema - self._made:
                self._by_schema[_digest(request)] = about_schema
            while len(self._by_schema) > _MOST_SCHEMAS:
                self._by_schema.popitem(last=False)

    def next(self, said: Said, body: Body) -> str | None:
        """The one that may help after a refusal; None where it is about something else."""
        if said.status not in _REFUSED or said.is_too_long:
            return None
        conceivable = [self._by_name[name] for name in body.conceivable]
        return next((each.name for each in conceivable if said.mentions(each.words)), None)

    def remarks(self, request: ModelRequest, names: frozenset[str], body: Body) -> tuple[str, ...]:
        """What those made cost this request."""
        made = [each for name, each in self._by_name.items() if name in names and each.remark]
        about_schema = [each for each in made if each.is_about_schema][-1:]
        others = [each for each in made if not each.is_about_schema]
        told = [each.remark for each in (*others, *about_schema) if _matters(each, request)]
        return (*body.remarks, *told)


def _matters(concession: Concession, request: ModelRequest) -> bool:
    """Whether the request wanted what was left out."""
    sampling = request.sampling
    is_random = bool(sampling.temperature)
    wanted = {
        "top_p": is_random and sampling.top_p < 1,
        "top_k": is_random and bool(sampling.top_k),
        "seed": is_random and sampling.seed is not None,
    }
    if concession.is_about_schema:
        return request.json_schema is not None
    return wanted.get(concession.name, True)


def _digest(request: ModelRequest) -> str:
    if request.json_schema is None:
        return ""
    text = json.dumps(request.json_schema, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()
