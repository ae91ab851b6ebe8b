"""The calls that a repository's tests make: inputs that somebody found worth a test."""

from collections.abc import Iterator, Sequence

from engines.source.files import Unreadable, read_source
from engines.source.module import Module, SyntaxProblem, parse_module
from engines.testing.calls import Call
from engines.testing.examples import calls_in
from engines.testing.extending.names import bound_in
from engines.testing.extending.unrolled import cases_of
from engines.testing.offers import Offers
from engines.testing.places import Place

_LIMIT = 300


def tested_calls(paths: Sequence[str], place: Place, offers: Offers) -> list[Call]:
    """Calls of the place's module in test files of its checkout, those in loops and tables too."""
    found: dict[Call, None] = {}
    for path in paths:
        try:
            tests = parse_module(read_source(place.root, path).text, path)
        except (Unreadable, SyntaxProblem):
            continue
        packages = [*place.module.split("."), *_names(tests, place)]
        found.update(dict.fromkeys(calls_in(cases_of(tests.tree), offers, packages)))
        if len(found) > _LIMIT:
            break
    return list(found)[:_LIMIT]


def _names(tests: Module, place: Place) -> Iterator[str]:
    """Under which the tests know the module, or a package above it."""
    for name, one in bound_in(tests.tree).imports.items():
        whole = f"{one.module}.{one.member}" if one.member else one.module
        if f"{place.module}.".startswith(f"{whole}."):
            yield name
