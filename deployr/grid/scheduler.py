"""Chooses the node for a session (admin facts 3.2)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from deployr.errors import NodeAway, NoFreeSlot
from deployr.grid.node import Node
from deployr.grid.protocol import Purpose, cluster_tag, is_mixed


def choose(nodes: Sequence[Node], purpose: Purpose, cluster: str | None) -> Node:
    """The least loaded healthy node that may host a session.

    Nodes dedicated to the purpose (and in the cluster, when one is named) come first; when they are full,
    nodes that serve every purpose take the overflow.

    Raises:
        NoFreeSlot: everything is full, or no node has this cluster tag.
        NodeAway: there may be room on a node that is not healthy.
    """
    tag = cluster_tag(cluster)
    if tag and not any(cluster_tag(node.cluster) == tag for node in nodes):
        raise NoFreeSlot(f"No grid node belongs to the cluster {cluster}.")
    healthy = [node for node in nodes if node.healthy and purpose in node.purposes]
    if tag:
        preferred = [node for node in healthy if cluster_tag(node.cluster) == tag]
    else:
        preferred = [node for node in healthy if not is_mixed(node.purposes)]
    node = _least_loaded(preferred) or _least_loaded(node for node in healthy if is_mixed(node.purposes))
    if node is None and any(purpose in node.purposes for node in nodes if not node.healthy):
        raise NodeAway("The grid node is not responding.")
    if node is None:
        raise NoFreeSlot("No grid slot is free at this time.")
    return node


def _least_loaded(nodes: Iterable[Node]) -> Node | None:
    free = [node for node in nodes if node.used < node.slots]
    return min(free, key=lambda node: node.used / node.slots, default=None)
