"""torch-geometric, typed: the one place here that knows it.

Importing it costs 2.6 CPU seconds beside torch's 1.2, so only what trains or scores does.
"""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportMissingTypeStubs=false
# It is typed in part.

import warnings
from collections.abc import Iterable
from typing import Any, TypeAlias, cast

import torch
from torch import Tensor, nn
from typing_extensions import override

from engines.matching.graph.settings import Encoder
from engines.matching.graph.snapshot import Relation, Snapshot
from engines.matching.graph.sparse import Edges

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)  # torch.jit.script, at its import
    from torch_geometric.data import HeteroData
    from torch_geometric.nn import GATv2Conv, HeteroConv, MessagePassing, RGCNConv

States: TypeAlias = dict[str, Tensor]
"""(nodes, width) of each type."""
Graph: TypeAlias = Any
"""A `HeteroData`: `x` of each type; `edge_index` and `edge_attr` of each relation."""

CHANNELS = {Encoder.SAGE: 3, Encoder.GATV2: 4, Encoder.RGCN: 3}
"""Of `Layer.influences`."""

_HEADS = CHANNELS[Encoder.GATV2]
_BASES = 4
_AGES = 3
"""Relations that R-GCN makes of one: what was done lately, this half year, and before."""
_WEIGHTS = 3
_COUNTED = 0.5
"""A decayed count above which an edge is no older than the half-life."""


def turned(relation: Relation) -> Relation:
    """The relation gone backwards."""
    source, name, target = relation
    return target, f"{name} by", source


def graph_of(found: Snapshot) -> Graph:
    """The snapshot, its relations in both directions."""
    data = HeteroData()
    for name, rows in found.features.items():
        data[name].x = torch.from_numpy(rows)
    for relation, edges in found.edges.items():
        for way, either in ((relation, edges), (turned(relation), edges.turned())):
            index, attributes = edge_tensors(either, len(found.features[way[-1]]))
            data[way].edge_index, data[way].edge_attr = index, attributes
    return data


def edge_tensors(edges: Edges, targets: int) -> tuple[Tensor, Tensor]:
    """Endpoints (2, e), and attributes (e, 6): the weights as shares of what reaches the target,
    then as logarithms.
    """
    index = torch.from_numpy(edges.sources), torch.from_numpy(edges.targets)
    weights = torch.from_numpy(edges.weights)
    sums = torch.zeros(targets, _WEIGHTS).index_add_(0, index[1], weights)
    shares = weights / sums[index[1]].clamp(min=1e-9)
    return torch.stack(index), torch.cat([shares, torch.log1p(weights)], 1)


def tensors_of(graph: Graph) -> tuple[States, dict[Relation, Tensor], dict[Relation, Tensor]]:
    """Features, endpoints and attributes."""
    return graph.x_dict, graph.edge_index_dict, graph.edge_attr_dict


class _Mean(MessagePassing):
    """The neighbours' weighed mean; a learned mixture of the half-lives weighs."""

    def __init__(self, width: int) -> None:
        super().__init__(aggr="sum")
        self.linear = nn.Linear(width, width, bias=False)
        self.mixture = nn.Parameter(torch.zeros(_WEIGHTS))

    @override
    def forward(self, x: Any, edge_index: Tensor, edge_attr: Tensor) -> Tensor:
        sources, targets = (x, x) if isinstance(x, Tensor) else x
        weight = edge_attr[:, :_WEIGHTS] @ self.mixture.softmax(0)
        size = (len(sources), len(targets))
        return self.linear(self.propagate(edge_index, x=(sources, None), weight=weight, size=size))

    @override
    def message(  # pyright: ignore[reportIncompatibleMethodOverride]
        self, x_j: Tensor, weight: Tensor
    ) -> Tensor:
        return x_j * weight.unsqueeze(1)


class Layer(nn.Module):
    """One step along the edges that reach some types of nodes."""

    def __init__(self, encoder: Encoder, width: int, relations: Iterable[Relation]) -> None:
        """Relations that a forward pass does not have edges of are left out of it."""
        super().__init__()
        ways = list(relations)
        targets = sorted({way[-1] for way in ways})
        self.own = nn.ModuleDict({name: nn.Linear(width, width) for name in targets})
        if encoder is Encoder.RGCN:
            self._reaching = {name: [w for w in ways if w[-1] == name] for name in targets}
            convs = {
                name: RGCNConv(
                    (width, width), width, _AGES * len(reaching), _BASES, root_weight=False
                )
                for name, reaching in self._reaching.items()
            }
            self.convs = nn.ModuleDict(convs)
        else:
            with warnings.catch_warnings():
                # That a last layer leaves types out which nothing reads is on purpose.
                warnings.filterwarnings("ignore", "There exist node types", UserWarning)
                self.convs = HeteroConv({way: _conv(encoder, width) for way in ways}, "mean")
        self._encoder = encoder

    @override
    def forward(
        self,
        states: States,
        endpoints: dict[Relation, Tensor],
        attributes: dict[Relation, Tensor],
    ) -> States:
        """States of the types that are reached; those of the others are left out."""
        if self._encoder is Encoder.RGCN:
            gathered = self._relational(states, endpoints, attributes)
        else:
            gathered = self.convs(states, endpoints, edge_attr_dict=attributes)
        return {
            name: levelled(nn.functional.leaky_relu(self.own[name](states[name]) + found, 0.2))
            for name, found in gathered.items()
        }

    def influences(
        self, way: Relation, states: States, endpoints: Tensor, attributes: Tensor
    ) -> Tensor:
        """(e, channels) how much of each source comes to the target, as this encoder weighs edges.

        A channel is a half-life of GraphSAGE, a head of GATv2, and an age of R-GCN.
        """
        if self._encoder is Encoder.SAGE:
            return attributes[:, :_WEIGHTS]
        if self._encoder is Encoder.RGCN:
            ages = nn.functional.one_hot(_age(attributes), _AGES).float()
            sums = torch.zeros(len(states[way[-1]]), _AGES).index_add_(0, endpoints[1], ages)
            return ages / sums[endpoints[1]].clamp(min=1.0)
        conv = cast(Any, self.convs).convs[way]
        pair = states[way[0]], states[way[-1]]
        return conv(pair, endpoints, attributes, return_attention_weights=True)[1][1]

    def _relational(
        self,
        states: States,
        endpoints: dict[Relation, Tensor],
        attributes: dict[Relation, Tensor],
    ) -> States:
        found: States = {}
        for name, reaching in self._reaching.items():
            ways = [way for way in reaching if way in endpoints]
            if not ways:
                continue
            offsets: dict[str, int] = {}
            sources: list[Tensor] = []
            for source in dict.fromkeys(way[0] for way in ways):
                offsets[source] = sum(map(len, sources))
                sources.append(states[source])
            shift = [torch.tensor([[offsets[way[0]]], [0]]) for way in ways]
            index = torch.cat([endpoints[w] + s for w, s in zip(ways, shift, strict=True)], 1)
            kinds = [_AGES * reaching.index(way) + _age(attributes[way]) for way in ways]
            conv = cast(Any, self.convs)[name]
            gathered = conv((torch.cat(sources), states[name]), index, torch.cat(kinds))
            found[name] = gathered / len(ways)
        return found


def levelled(states: Tensor) -> Tensor:
    """Every state with mean 0 and variance 1 (Ba et al. 2016), however much it has gathered."""
    return nn.functional.layer_norm(states, states.shape[-1:])


def _conv(encoder: Encoder, width: int) -> MessagePassing:
    if encoder is Encoder.SAGE:
        return _Mean(width)
    return GATv2Conv(
        (width, width), width // _HEADS, _HEADS, add_self_loops=False, edge_dim=2 * _WEIGHTS
    )


def _age(attributes: Tensor) -> Tensor:
    """(e,) 0, 1 or 2."""
    counts = torch.expm1(attributes[:, _WEIGHTS:])
    return (counts[:, 0] < _COUNTED).long() + (counts[:, 1] < _COUNTED).long()
