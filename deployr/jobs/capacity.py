"""Which slots jobs may take: those of nodes for asynchronous work, and half of those that serve everything.

The other half of the latter is left to calls whose callers wait, however many jobs are queued.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from deployr.grid.protocol import NodeStatus, SessionInfo, cluster_tag, is_mixed


def is_known(nodes: Iterable[NodeStatus], cluster: str | None) -> bool:
    """Whether a node belongs to the cluster."""
    return cluster is None or any(cluster_tag(node.cluster) == cluster_tag(cluster) for node in nodes)


def has_room(nodes: Sequence[NodeStatus], sessions: Iterable[SessionInfo], cluster: str | None) -> bool:
    """Whether a job for this cluster, or for any (``None``), may take a slot now (admin facts 3.2)."""
    able = [node for node in nodes if node.healthy and "asynchronous" in node.purposes]
    dedicated = [node for node in able if not is_mixed(node.purposes)]
    wanted = [node for node in dedicated if cluster is None or cluster_tag(node.cluster) == cluster_tag(cluster)]
    if any(node.used < node.slots for node in wanted):
        return True
    mixed = [node for node in able if is_mixed(node.purposes)]
    names = {node.name for node in mixed}
    taken = sum(info.purpose == "asynchronous" and info.node in names for info in sessions)
    return taken < sum(map(_share, mixed)) and any(node.used < node.slots for node in mixed)


def _share(node: NodeStatus) -> int:
    return max(1, node.slots // 2)
