"""What is called to see what another call has done: on the same object, or of the same module."""

import ast
import random
from collections.abc import Iterator, Sequence
from dataclasses import replace

from engines.source.module import Module
from engines.testing.behaviour.fitness import is_misuse
from engines.testing.calls import Argument, Call, invocation
from engines.testing.generation import Generation
from engines.testing.offers import ON_INSTANCE, Kind, Offer

_LEAD_LIMIT = 2


class Observers:
    """Of the callables of one module: methods of the same class, and functions that use the same
    variables of the module.
    """

    def __init__(
        self,
        module: Module,
        generation: Generation,
        choices: random.Random,
        offers: Sequence[Offer],
    ) -> None:
        self._generation = generation
        self._choices = choices
        self._methods: dict[str, list[Offer]] = {}
        for one in offers:
            if one.kind in ON_INSTANCE and one.kind is not Kind.SETTER:
                self._methods.setdefault(one.owner, []).append(one)
        variables = set(_variables(module.tree))
        self._used = {
            one.key: variables & _named(function.node)
            for one in offers
            if (function := generation.function_of(one)) is not None
        }
        self._functions = [
            one for one in offers if one.kind is Kind.FUNCTION and self._used.get(one.key)
        ]

    def after(self, call: Call) -> Call | None:
        """Another call, on what this one leaves behind or made; None where nothing could tell."""
        is_maker = call.offer.kind is Kind.CONSTRUCTOR
        methods = self._methods.get(call.offer.name if is_maker else call.offer.owner, [])
        if not methods or (not is_maker and call.receiver is None):
            return self._elsewhere(call)
        fresh = self._generation.fresh(self._choices.choice(methods))
        if fresh is None:
            return None
        if is_maker:
            return replace(fresh, receiver=call.source, steps=(), file_text=call.file_text)
        step = invocation(call.offer, "{s}", call.arguments)
        step = f"asyncio.run({step})" if call.offer.is_async else step
        return replace(
            fresh, receiver=call.receiver, steps=(*call.steps, step), file_text=call.file_text
        )

    def _elsewhere(self, call: Call) -> Call | None:
        """A function that uses a variable of the module which this one uses, too, given the same
        where it asks for the same.
        """
        used = self._used.get(call.offer.key, set[str]())
        functions = [
            one
            for one in self._functions
            if one.key != call.offer.key and used & self._used[one.key]
        ]
        is_plain = call.setup == call.lead and len(call.lead) < _LEAD_LIMIT
        if not functions or not is_plain or is_misuse(call):
            return None
        fresh = self._generation.fresh(self._choices.choice(functions))
        if fresh is None or fresh.file_text is not None:
            return None
        given = {one.parameter: one for one in call.arguments if one.parameter}
        arguments = tuple(_same(one, given.get(one.parameter)) for one in fresh.arguments)
        return replace(fresh, arguments=arguments, lead=(*call.lead, call.source))


def _same(own: Argument, other: Argument | None) -> Argument:
    return own if other is None else replace(other, name=own.name)


def _variables(tree: ast.Module) -> Iterator[str]:
    """What assignments at the file's own level bind."""
    for one in tree.body:
        if isinstance(one, ast.Assign | ast.AnnAssign):
            targets = one.targets if isinstance(one, ast.Assign) else [one.target]
            yield from (target.id for target in targets if isinstance(target, ast.Name))


def _named(node: ast.AST) -> set[str]:
    return {one.id for one in ast.walk(node) if isinstance(one, ast.Name)}
