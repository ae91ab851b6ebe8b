"""Which of a module's callables a request asks for, and which goals count for them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from engines.source.module import Module
from engines.testing.jailed import Jail
from engines.testing.offers import ON_INSTANCE, Kind, Offer, Offers
from engines.testing.types import CannotTest, TestingRequest

_NAMED_LIMIT = 8
_OPERATORS_LEFT_OUT = frozenset({
    "__init_subclass__", "__class_getitem__", "__getattribute__", "__set_name__", "__get__",
    "__set__", "__sizeof__", "__del__", "__subclasshook__", "__await__", "__post_init__",
})  # fmt: skip


@dataclass(frozen=True)
class Targets:
    """The offers to call and the goals to reach."""

    offers: tuple[Offer, ...]
    goals: frozenset[int]


def chosen_targets(request: TestingRequest, module: Module, jail: Jail) -> Targets:
    """Narrow the module down to what the request names.

    Raises:
        CannotTest: there is nothing of that name, or nothing public at all.
    """
    exceptions = {one.name for one in jail.offers.classes if one.is_exception}
    public = [
        one
        for one in jail.offers.callables
        if _is_public(one) and (one.line or one.name not in exceptions)
    ]
    public.extend(one for one in jail.offers.callables if _is_handed_out(one, jail.offers))
    if request.symbol:
        return _of_symbol(request.symbol, module, jail)
    if request.lines:
        return _of_lines(request.lines, module, jail, public)
    if not public:
        raise CannotTest(
            f"`{module.path}` has nothing to test: no public function or class is defined in it."
        )
    return Targets(tuple(public), frozenset(range(len(jail.goals))) - jail.reached)


def _is_public(offer: Offer) -> bool:
    if offer.owner.startswith("_") or offer.name in _OPERATORS_LEFT_OUT:
        return False
    return not offer.name.startswith("_") or (
        offer.name.startswith("__") and offer.name.endswith("__") and bool(offer.owner)
    )


def _is_handed_out(offer: Offer, offers: Offers) -> bool:
    """Whether it is on an object of a private class, which only a public call can return."""
    if not offer.owner.startswith("_") or offer.kind not in ON_INSTANCE or offer.is_inherited:
        return False
    own = {one.name: one for one in offers.classes if one.is_own}
    names = {one.identity: one.name for one in own.values()}
    below = own[offer.owner].concrete if offer.owner in own else ()
    has_public = any(not names.get(one, "_").startswith("_") for one in below)
    plain = replace(offer, owner=offer.owner.lstrip("_") or "x")
    return _is_public(plain) and not has_public


def _of_symbol(symbol: str, module: Module, jail: Jail) -> Targets:
    offers = [
        one
        for one in jail.offers.callables
        if one.key == symbol
        or (not one.owner and one.name == symbol)
        or (one.owner == symbol and _is_public(one))
    ]
    if symbol.endswith(".__init__"):
        wanted = symbol.removesuffix(".__init__")
        offers = [
            one
            for one in jail.offers.callables
            if one.kind is Kind.CONSTRUCTOR and one.name == wanted
        ]
    if not offers:
        names = [one.key for one in jail.offers.callables if _is_public(one)]
        known = ", ".join(f"`{name}`" for name in names[:_NAMED_LIMIT])
        raise CannotTest(
            f"`{module.path}` has no `{symbol}` that can be called."
            + (f" It has {known}." if known else "")
        )
    return Targets(tuple(offers), _goals_between(jail, _spans(symbol, module)))


def _of_lines(
    lines: tuple[int, int], module: Module, jail: Jail, public: Sequence[Offer]
) -> Targets:
    first, last = lines
    touched = [
        one for one in module.all_functions() if one.first_line <= last and one.last_line >= first
    ]
    names = {one.qualname for one in touched}
    names |= {one.removesuffix(".__init__") for one in names if one.endswith(".__init__")}
    offers = [one for one in public if one.key.rstrip("=") in names]
    if not offers:
        raise CannotTest(
            f"Lines {first} to {last} of `{module.path}` belong to no public function or method."
        )
    spans = [(one.first_line, one.last_line) for one in touched]
    return Targets(tuple(offers), _goals_between(jail, spans))


def _spans(symbol: str, module: Module) -> list[tuple[int, int]]:
    named = [*module.all_functions(), *module.classes]
    return [(one.first_line, one.last_line) for one in named if one.qualname == symbol]


def _goals_between(jail: Jail, spans: list[tuple[int, int]]) -> frozenset[int]:
    found = {
        number
        for number, goal in enumerate(jail.goals)
        if any(first <= goal.line <= last for first, last in spans)
    }
    return frozenset(found) - jail.reached
