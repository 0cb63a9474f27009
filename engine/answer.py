"""What a search answers: the result of its trees, and what they hold of each move."""

from collections.abc import Collection
from typing import TYPE_CHECKING

import numpy as np

from engine.position import Position
from engine.result import MoveReport, SearchResult, certain, pick
from games.errors import TandemError

if TYPE_CHECKING:
    from engine.search import Search


def result_of(search: "Search", planned: bool) -> SearchResult:
    """What the search knows now. Raises TandemError when no simulation has run."""
    assert search.position is not None
    children, root = _merged(search)
    if not len(children):
        raise TandemError("no simulation has run; advance first")
    children = children[np.argsort(children["action"])]
    visits = children["visits"].astype(np.int64)
    exact = children["lower"] == children["upper"]
    q = np.where(visits > 0, children["value"] / np.maximum(visits, 1), np.nan)
    proofs = np.where(exact, children["lower"], np.nan).astype(np.float64)
    q = np.where(exact, np.where(proofs == 0, search.settings.draw_value, proofs), q)
    policy = np.zeros(len(children))
    bracket_won = np.ones(len(children), np.bool_)
    if planned and search.trees[0].bracket["budget"][0]:
        search.kernels.improved_policy(children, search.settings.draw_value, search.settings.value_scale, policy)
        fresh = _fresh_visits(search)
        most = fresh[(policy > 0) & ~exact].max(initial=0)
        bracket_won = exact | (fresh >= most)
    else:
        search.kernels.root_policy(children, search.settings.draw_value, policy)
    prior = children["prior"].astype(np.float64)
    if search.mode.name == "auto" and not planned:
        policy = prior  # the net's answer, whatever an earlier search left in the tree
    if search.mode.plies_of_search == 1:
        best = np.where(policy > 0, np.nan_to_num(q, nan=-2.0), -3.0)
        policy = (best == best.max()).astype(np.float64)
    temperature = search.settings.temperature
    index = pick(policy if temperature > 0 else policy * bracket_won, q, prior, temperature, search.rng)
    action = int(children["action"][index])
    wdl = _wdl(search, root, -1)
    proven = int(-root["lower"]) if root["lower"] == root["upper"] else None
    if proven is not None:
        wdl = certain(proven)
    elif search.mode.plies_of_search == 1:
        wdl = _wdl(search, children[index], 1)
    return SearchResult(
        mode=search.mode.name,
        action=action,
        move=search.game.format_action(search.position.state, action),
        actions=children["action"].astype(np.int32),
        visits=visits,
        q=q,
        prior=prior,
        policy=policy / policy.sum(),
        proofs=proofs,
        wdl=wdl,
        pv=_pv(search, action),
        simulations=search.simulations,
        evaluations=sum(tree.evaluations for tree in search.trees),
        seconds=search.seconds,
        proven=proven,
        plies=int(root["plies"]),
        planned=planned,
    )


def _fresh_visits(search: "Search") -> np.ndarray:
    """Visits that this move's search paid to the root's children, by action."""
    fresh = 0
    for tree in search.trees:
        children = tree.children()
        visits = children["visits"] - tree.bracket["before"][0, : len(children)]
        fresh = fresh + visits[np.argsort(children["action"])]
    return np.asarray(fresh)


def reports_of(search: "Search", result: SearchResult, actions: Collection[int] | None = None) -> list[MoveReport]:
    """What the tree that gave `result` holds of each of its moves, or of `actions`, in the order of its arrays."""
    assert search.position is not None
    reports = []
    for i, child in enumerate(_merged(search)[0]):
        if actions is not None and child["action"] not in actions:
            continue
        low, high = int(child["lower"]), int(child["upper"])
        reports.append(
            MoveReport(
                move=search.game.format_action(search.position.state, int(child["action"])),
                visits=int(child["visits"]),
                prior=float(result.prior[i]),
                policy=float(result.policy[i]),
                q=None if np.isnan(result.q[i]) else float(result.q[i]),
                wdl=certain(low) if low == high else _wdl(search, child, 1) if child["visits"] else None,
                bounds=(low, high),
                plies=int(child["plies"]) + 1 if low == high else None,
                pv=_pv(search, int(child["action"])),
            )
        )
    return reports


def _merged(search: "Search") -> tuple[np.ndarray, np.ndarray]:
    """Children and root with visits, values and proofs of all trees together."""
    children, root = search.trees[0].children().copy(), search.trees[0].nodes[0, 0].copy()
    children = children[np.argsort(children["action"])]
    for tree in search.trees[1:]:
        other_root = tree.nodes[0, 0]
        others = tree.children()
        others = others[np.argsort(others["action"])]
        pairs = [(root, other_root)] + ([(children, others)] if len(others) == len(children) else [])
        for mine, theirs in pairs:
            for name in ("visits", "value", "draws"):
                mine[name] += theirs[name]
            mine["plies"] = np.where(mine["lower"] == mine["upper"], mine["plies"], theirs["plies"])
            mine["lower"] = np.maximum(mine["lower"], theirs["lower"])
            mine["upper"] = np.minimum(mine["upper"], theirs["upper"])
    return children, root


def _wdl(search: "Search", node: np.ndarray, sign: int) -> tuple[float, float, float]:
    """Win, draw and loss for the player to move at the root from a node's sums; sign -1 for the opponent's node."""
    visits = max(int(node["visits"]), 1)
    draw = min(max(float(node["draws"]) / visits, 0.0), 1.0)
    difference = sign * float(node["value"]) / visits - float(search.options["draw_value"][0]) * draw
    difference = min(max(difference, draw - 1), 1 - draw)  # sums of float32 outputs may stray by a rounding
    return (1 - draw + difference) / 2, draw, (1 - draw - difference) / 2


def _pv(search: "Search", action: int) -> list[str]:
    """The chosen move, then the most visited line (proofs first) in the first tree."""
    assert search.position is not None
    nodes, line = search.trees[0].nodes[0], Position(search.game, states=[search.position.state])
    children, moves = search.trees[0].children(), list[str]()
    while len(children):
        if not moves:
            chosen = np.flatnonzero(children["action"] == action)
        else:
            policy = np.zeros(len(children))
            if not children["visits"].any():
                break
            search.kernels.root_policy(children, 0.0, policy)
            chosen = np.array([int(policy.argmax())])
        child = children[chosen[0]]
        moves.append(search.game.format_action(line.state, int(child["action"])))
        line.play(int(child["action"]))
        first = int(child["first_child"])
        children = nodes[first : first + int(child["child_count"])] if first >= 0 else children[:0]
    return moves
