"""What is kept of a tree: the part under the move that was played, or what is most visited when its memory is full."""

from typing import Any

from numba.extending import register_jitable

from engine.tree import UNEXPANDED


@register_jitable
def is_full(used: Any, size: Any, room: Any) -> Any:
    """Whether a tree of `used` nodes (or each of several) has grown beyond its root and has not so much room left."""
    return (used > 1) & (used + room > size)


@register_jitable
def copy_below(tree: Any, node: Any, least: Any, out: Any) -> Any:
    """Copy `node` and what is below it into `out`, but for the children of nodes of fewer than `least` visits.

    Its own children are copied in any case. Returns the nodes copied. Cheney's breadth-first copy: until its turn
    comes, a copied node still points at its children in `tree`.
    """
    out[0] = tree[node]
    used = 1
    j = 0
    while j < used:
        x = out[j]
        if x.first_child >= 0:
            first = x.first_child
            if j > 0 and x.visits < least:
                x.first_child = UNEXPANDED
                x.child_count = 0
            else:
                x.first_child = used
                for k in range(x.child_count):
                    out[used + k] = tree[first + k]
                used += x.child_count
        j += 1
    return used


@register_jitable
def compact(tree: Any, action: Any, out: Any) -> Any:
    """Copy the subtree under the root's child `action` into `out`; returns the nodes copied, 0 when there is none."""
    root = tree[0]
    for i in range(root.first_child, root.first_child + root.child_count):
        if tree[i].action == action:
            return copy_below(tree, i, 0, out)
    return 0


@register_jitable
def thin(tree: Any, used: Any, out: Any) -> Any:
    """Copy the most visited part of a tree, half of its room at most, into `out`; returns the nodes copied.

    What is left out are the children of the nodes least visited: these keep their values, proofs and visit counts, and
    grow again when the search comes back. The root's children are kept in any case.
    """
    least = 2
    while True:
        kept, last = 1, True
        for i in range(used):
            if tree[i].first_child >= 0 and (i == 0 or tree[i].visits >= least):
                kept += tree[i].child_count
                last = last and i == 0
        if last or 2 * kept <= tree.shape[0]:
            return copy_below(tree, 0, least, out)
        least *= 2
