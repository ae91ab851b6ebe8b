"""The network: what the people of a snapshot are to a task that is new to it."""

# pyright: reportUnknownMemberType=false
# torch is typed in part.

from typing import NamedTuple

import torch
from torch import Tensor, nn
from typing_extensions import override

from engines.matching.graph.asked import ASKED, Asked
from engines.matching.graph.layers import (
    CHANNELS,
    Graph,
    Layer,
    States,
    edge_tensors,
    levelled,
    tensors_of,
    turned,
)
from engines.matching.graph.settings import GraphConfig
from engines.matching.graph.snapshot import DEVELOPER, FEATURES, RELATIONS, TASK, Relation
from engines.matching.seeded import seeded

_WAYS = tuple(dict.fromkeys(way for one in RELATIONS for way in (one, turned(one))))
_LEAST_SHARE = 1e-4
"""Keeps the slope of the root finite."""

_LATELY = (0, 3)
"""Features of a developer: logarithms of what was authored and reviewed this month."""
_OF_ACTIVITY = 0.7
_OF_TRACES = 1.0


class Encoded(NamedTuple):
    """A graph once the network has gone over it."""

    people: Tensor
    """(developers, FEATURES[DEVELOPER])"""
    slots: Tensor
    """(developers,) Where each is told from the others; the number of slots for who is not."""
    states: list[States]
    """At each depth."""
    traces: States
    """(nodes, channels, slots) how much of each person arrives."""


class Network(nn.Module):
    """An encoder and a head. It has no weights of its own for any person, so people who are new
    need no training.

    Messages carry two things along the same edges: states, which say what somebody is like, and
    traces, which say who it is. Traces are mixed by the encoder's weights of the edges alone, never
    across people (identity-aware networks, You et al. 2021, with all identities at once).
    """

    def __init__(self, config: GraphConfig) -> None:
        """Weights by the seed."""
        super().__init__()
        self._slots = config.slots
        self._channels = CHANNELS[config.encoder]
        width, depth = config.width, config.layers
        last = [way for way in _WAYS if way[-1] == DEVELOPER or way in ASKED]
        with seeded(config.seed):
            self.enter = nn.ModuleDict(
                {name: nn.Linear(size, width) for name, size in FEATURES.items()}
            )
            self.layers = nn.ModuleList(
                Layer(config.encoder, width, last if step == depth - 1 else _WAYS)
                for step in range(depth)
            )
            self.gates = nn.Parameter(torch.ones(depth, len(_WAYS), self._channels))
            self.of_task = nn.Linear(width * depth, width)
            self.of_person = nn.Linear(width * (depth + 1), width)
            inputs = 2 * len(ASKED) * self._channels + FEATURES[DEVELOPER] + 1
            self.head = nn.Sequential(nn.Linear(inputs, width), nn.ReLU(), nn.Linear(width, 1))
            self.straight = nn.Linear(inputs, 1, bias=False)
            self._begin_plausible()

    def encode(self, graph: Graph, slots: Tensor) -> Encoded:
        """All that is the same for whatever is asked about a graph."""
        features, endpoints, attributes = tensors_of(graph)
        states = [{name: levelled(self.enter[name](rows)) for name, rows in features.items()}]
        hot = nn.functional.one_hot(slots, self._slots + 1)[:, :-1].float()
        traces = {DEVELOPER: hot.unsqueeze(1).expand(-1, self._channels, -1)}
        for step, layer in enumerate(self.layers[:-1]):
            carried = dict(traces)
            for way in _WAYS:
                if way[0] in carried:
                    edges = endpoints[way], attributes[way]
                    found = self._carried(step, way, states[-1], edges, carried[way[0]])
                    traces[way[-1]] = traces[way[-1]] + found if way[-1] in traces else found
            states.append({**states[-1], **layer(states[-1], endpoints, attributes)})
        ways = [way for way in endpoints if way[-1] == DEVELOPER]
        indices, rows = ({way: found[way] for way in ways} for found in (endpoints, attributes))
        states.append(self.layers[-1](states[-1], indices, rows))
        return Encoded(features[DEVELOPER], slots, states, traces)

    def score(self, encoded: Encoded, asked: Asked) -> Tensor:
        """(tasks, developers) logits."""
        edges = {way: edge_tensors(e, len(asked)) for way, e in asked.edges().items()}
        endpoints = {way: index for way, (index, _) in edges.items()}
        attributes = {way: rows for way, (_, rows) in edges.items()}
        task = levelled(self.enter[TASK](torch.from_numpy(asked.features())))
        depths: list[Tensor] = []
        around: States = {}
        for layer, states in zip(self.layers, encoded.states, strict=False):
            around = {**states, TASK: task}
            task = layer(around, endpoints, attributes)[TASK]
            depths.append(task)
        step = len(depths) - 1
        arrived = [
            self._carried(step, way, around, edges[way], encoded.traces[way[0]])
            for way in ASKED
            if way[0] in encoded.traces
        ]
        people = torch.cat([states[DEVELOPER] for states in encoded.states], 1)
        alike = self.of_task(torch.cat(depths, 1)) @ self.of_person(people).T
        return self._head(encoded, torch.cat(arrived, 1), alike / people.shape[1] ** 0.5)

    @override
    def forward(self, graph: Graph, slots: Tensor, asked: Asked) -> Tensor:
        """(tasks, developers) logits."""
        return self.score(self.encode(graph, slots), asked)

    def _begin_plausible(self) -> None:
        """Begin with what is known to hold: whoever was here, and lately, is the likelier one."""
        traced = len(ASKED) * self._channels
        with torch.no_grad():
            weights = self.straight.weight[0]
            weights.zero_()
            weights[traced : 2 * traced] = _OF_TRACES / self._channels
            for feature in _LATELY:
                weights[2 * traced + feature] = _OF_ACTIVITY

    def _carried(
        self,
        step: int,
        way: Relation,
        states: States,
        edges: tuple[Tensor, Tensor],
        traces: Tensor,
    ) -> Tensor:
        """(targets, channels, slots) of the traces (sources, channels, slots)."""
        layer, (index, attributes) = self.layers[step], edges
        assert isinstance(layer, Layer)
        weights = layer.influences(way, states, index, attributes)
        weights = weights * self.gates[step, _WAYS.index(way)]
        sent = traces[index[0]] * weights.unsqueeze(2)
        return torch.zeros(len(states[way[-1]]), *sent.shape[1:]).index_add(0, index[1], sent)

    def _head(self, encoded: Encoded, arrived: Tensor, alike: Tensor) -> Tensor:
        """From traces (tasks, ways times channels, slots) and likeness (tasks, developers)."""
        nobody = torch.zeros(*arrived.shape[:2], 1)
        shares = torch.cat([arrived, nobody], 2)[:, :, encoded.slots].transpose(1, 2)
        roots = (shares.clamp(min=0.0) + _LEAST_SHARE).sqrt()
        people = encoded.people.expand(len(alike), -1, -1)
        inputs = torch.cat([shares, roots, people, alike.unsqueeze(2)], 2)
        return (self.head(inputs) + self.straight(inputs)).squeeze(2)
