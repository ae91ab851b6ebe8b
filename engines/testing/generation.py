"""Makes new calls: fresh ones from the parameters' types, changed ones from calls that counted."""

import math
from dataclasses import replace

from engines.source.module import Module
from engines.source.symbols import Class, Function, ParameterKind, functions_of
from engines.testing.calls import FILE_VALUE, Argument, Call, Soundness, invocation
from engines.testing.clues import Choice, Clues
from engines.testing.constants import constants_of, with_constant
from engines.testing.hints import Hint
from engines.testing.jail.rendering import quoted
from engines.testing.offers import ANY, ON_INSTANCE, Input, Kind, Offer, Offers, Term
from engines.testing.turning import Turning
from engines.testing.values import Values

_OPTIONAL_SHARE, _STEPS_SHARE = 0.35, 0.4
_MUTATORS = frozenset({"__setitem__", "__delitem__", "__iadd__", "__ior__", "__call__"})
_GROWN_SHARE, _GROWN_LIMIT, _MOST_STEPS, _GIVEN_SHARE = 0.35, 24, 3, 0.5
_GROWN_PER_OFFER = 3
_SUBCLASSED_SHARE, _STATE_SHARE, _HEIR_SHARE = 0.03, 0.3, 0.3
_ECHO_SHARE = 0.15
_POOL_SHARE, _FULL_POOL_SHARE, _FULL_POOL = 0.7, 0.92, 12
_FOLLOWING = (Term("callable"), Term("any"), Term("str"), Term("int"))
_TOGGLED_SHARE, _BANK_SHARE, _BANK_LIMIT = 0.15, 0.06, 24
_LONGEST_DEPOSIT_CHARS = 200
_BY_NAME = frozenset({"positional_or_keyword", "keyword_only"})
_FAILED_FACTOR = 0.85
_GAINED_FACTOR = 1.4
_LEAST_WEIGHT, _MOST_WEIGHT = 0.05, 40.0


class Generation:
    """Writes calls of one module's offers."""

    def __init__(self, module: Module, offers: Offers, values: Values) -> None:
        self.offers = offers
        self._values = values
        self._random = values.choices
        self._turning = Turning(module, values)
        self._bank: dict[str, list[str]] = {}
        self.module = module
        self._functions = {one.qualname: one for one in module.all_functions()}
        self._owners = {one.name: one for one in module.classes}
        self._identities = {one.name: one.identity for one in offers.classes if one.is_own}
        self._classes = values.classes
        self._clues = Clues(module, offers)
        self._grown: dict[str, list[Call]] = {}
        self._keywords: dict[str, list[str]] = {}
        self._choices: dict[tuple[str, str], list[Choice]] = {}
        self._methods: dict[str, list[Offer]] = {}
        self._constructors: dict[str, Offer] = {}
        for one in offers.callables:
            if one.kind is Kind.METHOD and (one.name[0] != "_" or one.name in _MUTATORS):
                self._methods.setdefault(one.owner, []).append(one)
            elif one.kind is Kind.CONSTRUCTOR:
                self._constructors[one.name] = one

    def fresh(self, offer: Offer) -> Call | None:
        """A new call; None where no receiver can be made."""
        seeds = self._values.seeds
        seeds.begin()
        if offer.kind not in ON_INSTANCE:
            return self._with_file(Call(offer, self._arguments(offer)))
        grown = self._grown.get(offer.owner)
        if grown and seeds.chance(_GROWN_SHARE):
            return self._on_grown(offer, self._random.choice(grown))
        receiver, soundness = self._receiver(offer.owner)
        if receiver is None:
            return None
        seeds.begin(receiver)
        steps, least = self._steps(offer) if seeds.chance(_STEPS_SHARE) else ((), soundness)
        soundness = min(soundness, least)
        arguments = self._arguments(offer)
        return self._with_file(
            Call(offer, arguments, receiver, receiver_soundness=soundness, steps=steps)
        )

    def _on_grown(self, offer: Offer, grown: Call) -> Call:
        """A call on the object of an earlier call, often with arguments that were given before."""
        seeds = self._values.seeds
        receiver, steps = grown.receiver or "", (*grown.steps, self._as_step(grown))
        seeds.begin(receiver, *steps)
        given = {one.parameter: one.text for one in grown.arguments}
        share = 1.0 if seeds.chance(_GIVEN_SHARE / 2) else _GIVEN_SHARE
        arguments = tuple(
            replace(one, text=given[one.parameter])
            if one.parameter in given and seeds.chance(share)
            else one
            for one in self._arguments(offer)
        )
        call = Call(offer, arguments, receiver, receiver_soundness=grown.soundness, steps=steps)
        return self._with_file(call)

    def changed(self, call: Call) -> Call | None:
        """A variation of a call that was worth keeping."""
        self._values.seeds.begin(call.receiver or "", *call.steps, call.source)
        if call.receiver is not None and self._values.seeds.chance(0.4):
            return self._with_receiver_changed(call)
        if not call.arguments or self._values.seeds.chance(0.1):
            return self.fresh(call.offer)
        if self._values.seeds.chance(_TOGGLED_SHARE):
            return self._with_file(self._toggled(call))
        place = self._random.randrange(len(call.arguments))
        given = call.arguments[place]
        bank = self._bank.get(given.parameter)
        if bank and self._values.seeds.chance(_BANK_SHARE):
            return self._with_file(
                call.with_argument(place, self._random.choice(bank), Soundness.SUGGESTED)
            )
        if self._values.seeds.chance(_ECHO_SHARE):
            echoed = self._echoed(call, place)
            if echoed is not None:
                return self._with_file(call.with_argument(place, echoed))
        text = self._mutated(given.text, call.offer.key) if self._values.seeds.chance(0.7) else None
        if text is not None:
            return self._with_file(call.with_argument(place, text))
        return self._with_file(self._regenerated(call, place))

    def turned(self, call: Call, hint: Hint) -> Call | None:
        """A variation that may make a condition come out the other way."""
        self._values.seeds.begin(call.receiver or "", *call.steps, call.source)
        if (
            call.receiver is not None
            and "self" in hint.names
            and self._random.random() < _STATE_SHARE
        ):
            return self._with_receiver_changed(call)
        turned = self._turning.turned(call, hint)
        if turned is None and call.arguments and self._values.seeds.chance(_ECHO_SHARE * 2):
            place = self._random.randrange(len(call.arguments))
            echoed = self._echoed(call, place)
            turned = call.with_argument(place, echoed) if echoed else None
        return self._with_file(turned) if turned else self.changed(call)

    def _with_receiver_changed(self, call: Call) -> Call | None:
        if self._values.seeds.chance(0.6):
            return self._with_file(self._with_steps_changed(call))
        text = self._mutated(call.receiver or "", call.offer.owner)
        return self._with_file(replace(call, receiver=text)) if text else self.fresh(call.offer)

    def followed(self, call: Call) -> Call:
        """The call with its result called in turn, and the arguments of earlier such calls new."""
        count = len(call.follow) + 1
        follow = [self._followup(call.offer, is_last=place == count - 1) for place in range(count)]
        return replace(call, follow=tuple(follow))

    def _followup(self, offer: Offer, *, is_last: bool) -> str:
        """Arguments for a returned function; one that returns functions is often a decorator."""
        inner = self._inner_functions(offer)
        if inner and self._values.seeds.chance(0.6):
            return self._inner_arguments(offer, self._random.choice(inner))
        if not is_last and self._values.seeds.chance(0.7):
            return self._values.text(Term("callable"), offer.key)
        kinds = self._random.choices(_FOLLOWING, k=self._random.choice((1, 1, 1, 0, 2)))
        return ", ".join(self._values.text(kind, offer.key) for kind in kinds)

    def _inner_functions(self, offer: Offer) -> list[Function]:
        """The functions that the body of an offer defines, which it probably returns."""
        known = self.function_of(offer)
        return list(functions_of(known.node.body)) if known else []

    def _inner_arguments(self, offer: Offer, inner: Function) -> str:
        given: list[str] = []
        for one in inner.parameters:
            is_optional = one.default is not None
            by_place = one.kind in {ParameterKind.NORMAL, ParameterKind.POSITIONAL_ONLY}
            if not by_place or (is_optional and self._values.seeds.chance(0.6)):
                break
            wanted = Input(one.name, one.kind, ANY, is_optional, one.default)
            known = self._clues.choices(wanted, inner, None)
            term = self._random.choices(known, [item.weight for item in known])[0].term
            given.append(self._values.text(term, offer.key))
        return ", ".join(given)

    def learn(self, call: Call, *, failed: bool) -> None:
        """Prefer the types that led on, and avoid guesses that ended in a type error."""
        for given in call.arguments:
            if not failed and given.parameter:
                self._deposit(given)
            known = self._choices.get((call.offer.key, given.parameter))
            if known is None or not 0 <= given.choice < len(known):
                continue
            choice = known[given.choice]
            factor = _FAILED_FACTOR if failed else _GAINED_FACTOR
            if failed and choice.soundness is Soundness.ANNOTATED:
                continue
            choice.weight = min(_MOST_WEIGHT, max(_LEAST_WEIGHT, choice.weight * factor))

    def _deposit(self, given: Argument) -> None:
        """Keep a value that led on, for parameters of the same name."""
        bank = self._bank.setdefault(given.parameter, [])
        if given.text not in bank and len(given.text) <= _LONGEST_DEPOSIT_CHARS:
            bank.append(given.text)
            del bank[:-_BANK_LIMIT]

    def has_grown_enough(self, offer: Offer) -> bool:
        """Whether objects are kept to which that was done with what can be given once more."""
        known = [one for one in self._grown.get(offer.owner, ()) if one.offer.key == offer.key]
        return sum("lambda" not in one.source for one in known) >= _GROWN_PER_OFFER

    def grow(self, call: Call) -> None:
        """Keep the object of a call that led on, with what was done to it, for other calls."""
        if call.receiver is None or call.file_text is not None or call.follow:
            return
        step = self._as_step(call)
        if "{r}" in step or "\n" in step or len(call.steps) >= _MOST_STEPS:
            return
        grown = self._grown.setdefault(call.offer.owner, [])
        grown.append(call)
        if len(grown) > _GROWN_LIMIT:
            del grown[self._random.randrange(_GROWN_LIMIT // 2)]

    def _as_step(self, call: Call) -> str:
        step = invocation(call.offer, "{s}", call.arguments)
        return f"asyncio.run({step})" if call.offer.is_async else step

    def function_of(self, offer: Offer) -> Function | None:
        """The function's text, where the file has it."""
        name = offer.name if offer.kind is not Kind.CONSTRUCTOR else f"{offer.name}.__init__"
        direct = self._functions.get(f"{offer.owner}.{name}" if offer.owner else name)
        if direct or not offer.owner:
            return direct
        for base in self._bases(offer.owner):
            inherited = self._functions.get(f"{base}.{name}")
            if inherited:
                return inherited
        return None

    def owner_of(self, offer: Offer) -> Class | None:
        """The class's text, where the file has it."""
        return self._owners.get(offer.owner or offer.name)

    def _bases(self, owner: str) -> list[str]:
        found: list[str] = []
        waiting = [owner]
        while waiting:
            one = self._owners.get(waiting.pop(0))
            for base in one.bases if one else ():
                if base not in found:
                    found.append(base)
                    waiting.append(base)
        return found

    def _arguments(self, offer: Offer) -> tuple[Argument, ...]:
        given: list[Argument] = []
        skipped = False
        for one in offer.inputs:
            if one.kind == "var_positional":
                if not skipped:
                    count = self._random.choice((0, 1, 1, 2, 3))
                    given.extend(self._argument(offer, one, None) for _ in range(count))
            elif one.kind == "var_keyword":
                keys = self._keys(offer, one)
                if self._values.seeds.chance(_OPTIONAL_SHARE):
                    count = min(len(keys), self._random.choice((1, 1, 2)))
                    names = self._random.sample(keys, count)
                    given.extend(self._argument(offer, one, name) for name in names)
            elif one.is_optional and self._random.random() > _OPTIONAL_SHARE:
                skipped = True
            else:
                by_name = one.kind == "keyword_only" or (skipped or one.is_optional)
                by_name = by_name and one.kind != "positional_only"
                if skipped and one.kind == "positional_only":
                    continue
                skipped = skipped or by_name
                given.append(self._argument(offer, one, one.name if by_name else None))
        return tuple(given)

    def _keys(self, offer: Offer, one: Input) -> list[str]:
        """What to call the arguments that an offer takes by `**`."""
        if offer.key not in self._keywords:
            taken = {given.name for given in offer.inputs}
            known = self._clues.keys(one, self.function_of(offer))
            self._keywords[offer.key] = [key for key in known if key not in taken] or ["a", "key"]
        return self._keywords[offer.key]

    def _argument(self, offer: Offer, one: Input, name: str | None) -> Argument:
        known = self._known(offer, one)
        place = self._random.choices(range(len(known)), [item.weight for item in known])[0]
        self._values.worst = Soundness.ANNOTATED
        text = self._values.text(known[place].term, offer.key)
        soundness = min(known[place].soundness, self._values.worst)
        return Argument(name, text, soundness, one.name, place)

    def _known(self, offer: Offer, one: Input) -> list[Choice]:
        key = (offer.key, one.name)
        if key not in self._choices:
            function = self.function_of(offer)
            self._choices[key] = self._clues.choices(one, function, self.owner_of(offer))
        return self._choices[key]

    def _receiver(self, owner: str) -> tuple[str | None, Soundness]:
        identity = self._identities.get(owner, "")
        known = self._classes.get(identity)
        if known and known.members:
            return self._random.choice(known.members), Soundness.ANNOTATED
        pool = self._values.pooled(identity)
        share = _FULL_POOL_SHARE if len(pool) >= _FULL_POOL else _POOL_SHARE
        if pool and self._values.seeds.chance(share):
            text = pool[int(len(pool) * self._random.random() ** 2)]
            return text, self._values.founded(text)
        constructor = self._constructors.get(owner)
        if known is None or constructor is None or owner.startswith("_"):
            return (pool[0] if pool else None), Soundness.SUGGESTED
        if known.is_abstract and pool:
            return pool[0], Soundness.SUGGESTED
        if not pool and self._values.seeds.chance(_HEIR_SHARE):
            heir = self._values.heir(known)
            if heir:
                return heir, Soundness.SUGGESTED
        call = Call(constructor, self._arguments(constructor))
        if known.is_abstract or self._values.seeds.chance(_SUBCLASSED_SHARE):
            given = call.source.removeprefix(owner)
            return self._values.subclass(known) + given, Soundness.GUESSED
        return call.source, call.soundness

    def _steps(self, offer: Offer) -> tuple[tuple[str, ...], Soundness]:
        """A few statements on the object, and how well founded their arguments are."""
        methods = self._methods.get(offer.owner, [])
        chosen = self._random.choices(methods, k=self._random.randint(1, 3)) if methods else []
        made = [Call(one, self._arguments(one)) for one in chosen]
        least = min((one.soundness for one in made), default=Soundness.ANNOTATED)
        return tuple(self._as_step(one) for one in made), least

    def _with_steps_changed(self, call: Call) -> Call:
        steps = list(call.steps)
        least = call.receiver_soundness
        if steps and self._values.seeds.chance(0.4):
            del steps[self._random.randrange(len(steps))]
        elif steps and self._values.seeds.chance(0.3):
            place = self._random.randrange(len(steps))
            steps.insert(place, steps[place])
        else:
            more, soundness = self._steps(call.offer)
            steps.extend(more[:1])
            least = min(least, soundness)
        return replace(call, steps=tuple(steps[:5]), receiver_soundness=least)

    def _toggled(self, call: Call) -> Call:
        """The call with one optional argument more, or one less."""
        given = {one.parameter for one in call.arguments}
        named = [one for one in call.arguments if one.name]
        missing = [
            one
            for one in call.offer.inputs
            if one.is_optional and one.name not in given and one.kind in _BY_NAME
        ]
        if named and (not missing or self._values.seeds.chance(0.3)):
            dropped = self._random.choice(named)
            if any(one.name == dropped.name and one.is_optional for one in call.offer.inputs):
                rest = tuple(one for one in call.arguments if one is not dropped)
                return replace(call, arguments=rest)
        if not missing:
            return call
        one = self._random.choice(missing)
        fresh = self._argument(call.offer, one, one.name)
        return replace(call, arguments=(*call.arguments, fresh))

    def _regenerated(self, call: Call, place: int) -> Call:
        old = call.arguments[place]
        one = next((item for item in call.offer.inputs if item.name == old.parameter), None)
        if one is None:
            return call
        fresh = self._argument(call.offer, one, old.name)
        arguments = [*call.arguments[:place], fresh, *call.arguments[place + 1 :]]
        return replace(call, arguments=tuple(arguments))

    def _echoed(self, call: Call, place: int) -> str | None:
        """One argument with a constant that another part of the call has: a key that is there."""
        own = call.arguments[place].text
        others = [call.receiver or "", *call.steps]
        others += [one.text for index, one in enumerate(call.arguments) if index != place]
        constants = constants_of(own)
        if not constants:
            return None
        node = self._random.choice(constants)
        known = [
            one.value
            for text in others
            for one in constants_of(text.replace("{s}", "it"))
            if type(one.value) is type(node.value) and one.value != node.value
        ]
        return with_constant(own, node, _literal(self._random.choice(known))) if known else None

    def _mutated(self, text: str, near: str) -> str | None:
        """The text with one of its constants changed; None where it has none."""
        constants = constants_of(text)
        if not constants:
            return None
        node = self._random.choice(constants)
        return with_constant(text, node, self._neighbour(node.value, near))

    def _neighbour(self, value: object, near: str) -> str:
        seeds = self._values.seeds
        if isinstance(value, bool):
            return repr(not value)
        if isinstance(value, str):
            return quoted(seeds.changed_text(value, near)[:120])
        if isinstance(value, int):
            options = (value + 1, value - 1, -value, value * 2, value // 2, seeds.integer(near))
            fresh = self._random.choice(options)
            return repr(fresh if abs(fresh) < 10**12 else 1)
        if isinstance(value, float):
            fresh = self._random.choice(
                (value + 1, -value, value / 2, value * 10, seeds.number(near))
            )
            return repr(fresh) if math.isfinite(fresh) else "0.0"
        if isinstance(value, bytes):
            return quoted(value[: len(value) // 2]) if value else 'b"a"'
        return self._values.text(Term("any"), near, 2)

    def _with_file(self, call: Call) -> Call:
        needs = FILE_VALUE in " ".join((call.source, *call.setup[:0], call.receiver or ""))
        if needs and (call.file_text is None or self._values.seeds.chance(0.3)):
            return replace(call, file_text=quoted(self._values.seeds.text(call.offer.key)))
        return call if needs else replace(call, file_text=None)


def _literal(value: object) -> str:
    return quoted(value) if isinstance(value, str | bytes) else repr(value)
