"""Names for what the author left unnamed."""

from __future__ import annotations

from ...engine.graph import Graph, Node

__all__ = ["give_hints"]


def give_hints(graph: Graph) -> Graph:
    """Say what the storage of unnamed results may be called: ``tanh_c`` for tanh(c), ``i_g`` for i * g."""

    def called(node: Node) -> str:
        return node.name or node.hint

    for node in graph.nodes:
        if called(node) or node.op.kind == "leaf":
            continue
        names = [called(a).rpartition(".")[2] for a in node.args if called(a)]
        if node.op.name in ("add", "dot", "sub", "neg") or not names:
            node.hint = "a" if node.op.name in ("add", "dot") else node.op.name
        elif node.op.name == "swap":
            node.hint = f"{names[0]}_T"
        elif len(names) == 1:
            node.hint = (
                f"{node.op.name}_{names[0]}" if node.op.kind != "view" else f"{names[0]}_{node.op.name}"
            )
        else:
            node.hint = "_".join(names) if sum(map(len, names)) < 16 else node.op.name
    return graph
