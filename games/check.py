"""The conformance kit: python -m games.check GAME [--games N], for the games here and for a file of your own.

Plays random games with the plain functions and with the compiled ones, and holds both against the contract. A
finding names the function, the position and the difference.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np

from games.cli import Parser, run_main
from games.compiler import kernel
from games.contract import Game, StateArray
from games.errors import TandemError
from games.loader import load
from games.rng import below
from games.rules import rules

SENTINEL = -7
PERFT_NODES = 200_000


@dataclass
class Report:
    """What a check found; `perft` are node counts from the start, by depth from 0."""

    game: str
    positions: int = 0
    perft: list[int] = field(default_factory=list)
    findings: list[str] = field(default_factory=list)


class Finding(Exception):
    """One breach of the contract."""


def check(game: Game, games: int = 20, seed: int = 0) -> Report:
    """Check a game on random games; at most one finding per function."""
    report = Report(game.name)
    checker = _Checker(game, report)
    with np.errstate(over="ignore"):
        checker.run(games, np.array([seed], np.uint64))
        checker.count()
    return report


class _Checker:
    def __init__(self, game: Game, report: Report) -> None:
        self.game, self.report, self.rules = game, report, rules(game)
        self.extra = _extra_kernels(game)
        self.broken: set[str] = set()
        self.encodings: dict[int, tuple[bytes, str]] = {}

    def run(self, games: int, rng: Any) -> None:
        """Play random games, looking at every position on the way."""
        game = self.game
        for _ in range(games):
            states = self._step("start", game.states(1), lambda s: game.start(game.record(s)), self.rules.start)
            for ply in range(game.max_plies + 1):
                if states is None:
                    break
                self.report.positions += 1
                actions = self._position(states)
                if not actions:
                    break
                if ply == game.max_plies:
                    self._find("MAX_PLIES", states, f"the game goes on after {ply} plies, its MAX_PLIES")
                    break
                action = actions[below(rng, len(actions))]
                states = self._step(
                    "play",
                    states,
                    lambda s, a=action: game.play(game.record(s), a),  # type: ignore[misc]
                    lambda s, a=action: self.rules.play(s, 0, a),  # type: ignore[misc]
                )

    def count(self) -> None:
        """Perft counts as deep as PERFT_NODES allow."""
        counts = self.report.perft
        counts.append(1)
        if self.broken & {"start", "legal", "play"}:
            return  # the compiled count trusts all three: it checks no bounds
        while counts[-1] and len(counts) <= self.game.max_plies and counts[-1] * self.game.max_legal <= PERFT_NODES * 8:
            counts.append(int(self.rules.perft(self.rules.first(), len(counts))))

    def _position(self, states: StateArray) -> list[int]:
        """Every check of one position; its legal actions."""
        actions: list[int] = []
        for name, look in self._looks(states, actions):
            if name not in self.broken:
                try:
                    look()
                except Finding as finding:
                    self._find(name, states, str(finding))
                except Exception as error:
                    self._find(name, states, f"raises {type(error).__name__}: {error}")
            if "legal" in self.broken:
                return []
        return actions

    def _looks(self, s: StateArray, actions: list[int]) -> Iterator[tuple[str, Callable[[], None]]]:
        yield "legal", lambda: self._legal(s, actions)
        if not actions:
            yield "outcome", lambda: self._outcome(s)
        elif self.game.best_first is not None:
            yield "best_first", lambda: self._best_first(s, actions)
        yield "encode", lambda: self._encode(s)
        yield "features", lambda: self._features(s)
        yield "key", lambda: self._equal(self.game.key(self.game.record(s)), self.rules.key(s, 0))
        yield "policy_index", lambda: self._policy_index(s, actions)
        yield "format_action", lambda: self._action_text(s, actions)
        yield "to_text", lambda: self._text(s)
        yield "render", lambda: self._render(s)
        for k in range(1, self.game.symmetries):
            yield "transform", partial(self._transform, s, k, actions)

    def _best_first(self, s: StateArray, actions: list[int]) -> None:
        """What exact search rests on: every win in one ply and loss in two is told, and no other move is left out."""
        wins = any(self._wins(self._after(s, action)) for action in actions)
        poisoned = {action for action in actions if self._wins_at_once(self._after(s, action))}
        expected = -1 if wins else -2 if len(poisoned) == len(actions) else 0
        assert self.game.best_first is not None
        out = np.full(self.game.max_legal, SENTINEL, np.int32)
        found = int(self.game.best_first(self.game.record(s.copy()), out))
        if min(found, 0) != expected:
            raise Finding(f"returns {found} where it should be {expected or 'how many moves it wrote'}")
        kept = [int(action) for action in out[: max(found, 0)]]
        if expected == 0 and (len(set(kept)) < len(kept) or not set(actions) - poisoned <= set(kept) <= set(actions)):
            raise Finding(
                f"wrote {kept} of the legal {actions}; only {sorted(poisoned)} lose at once and may be left out"
            )

    def _after(self, s: StateArray, action: int) -> StateArray:
        child = s.copy()
        self.rules.play(child, 0, action)
        return child

    def _wins(self, s: StateArray) -> bool:
        """Whether the player who moved into s has won by it."""
        return not self.rules.legal(s) and self.rules.outcome(s, 0) < 0

    def _wins_at_once(self, s: StateArray) -> bool:
        return any(self._wins(self._after(s, action)) for action in self.rules.legal(s))

    def _legal(self, s: StateArray, actions: list[int]) -> None:
        lists = []
        for call in (
            lambda out: self.game.legal(self.game.record(s), out),
            lambda out: self.rules.legal_into(s, 0, out[:-1]),  # what lies within the array may be written over
        ):
            out = np.full(self.game.max_legal + 1, SENTINEL, np.int32)
            n = int(call(out))
            if not 0 <= n <= self.game.max_legal:
                raise Finding(f"returns {n}, which is not in 0..MAX_LEGAL = {self.game.max_legal}")
            if out[-1] != SENTINEL:
                raise Finding(f"writes past MAX_LEGAL = {self.game.max_legal} entries")
            lists.append([int(a) for a in out[:n]])
        self._equal(*lists)
        found = lists[0]
        if len(set(found)) < len(found) or any(not 0 <= a < self.game.actions for a in found):
            raise Finding(f"actions must be distinct and in 0..{self.game.actions - 1}, not {found}")
        actions.extend(found)

    def _outcome(self, s: StateArray) -> None:
        plain, compiled = self.game.outcome(self.game.record(s)), self.rules.outcome(s, 0)
        self._equal(float(plain), float(compiled))
        if float(plain) not in (-1.0, 0.0, 1.0):
            raise Finding(f"returns {plain}, which is not +1, 0 or -1")

    def _encode(self, s: StateArray) -> None:
        plain, compiled = (np.full((1, *self.game.planes), np.nan, np.float32) for _ in range(2))
        self.game.encode(self.game.record(s), plain[0])
        self.rules.encode(s, compiled)
        if np.isnan(plain).any():
            raise Finding(f"leaves cell {tuple(int(i) for i in np.argwhere(np.isnan(plain[0]))[0])} unwritten")
        self._equal(plain.tolist(), compiled.tolist())
        key, text = int(self.extra[1](s)), self._name(s)
        seen = self.encodings.setdefault(key, (plain.tobytes(), text))
        if seen[0] != plain.tobytes():
            raise Finding(f"differs from that of {seen[1]}, which has the same eval_key {key}")

    def _features(self, s: StateArray) -> None:
        lists = []
        calls: tuple[Callable[..., Any], ...] = (
            partial(self.game.features, self.game.record(s)),
            partial(self.extra[0], s),
        )
        for call in calls:
            out = np.full(self.game.max_active + 1, SENTINEL, np.int32)
            n = int(call(out))
            if not 0 <= n <= self.game.max_active or out[-1] != SENTINEL:
                raise Finding(f"writes {n} indices, more than MAX_ACTIVE = {self.game.max_active}")
            lists.append([int(a) for a in out[:n]])
        self._equal(*lists)
        if any(not 0 <= i < self.game.feature_count for i in lists[0]):
            raise Finding(f"indices must be in 0..{self.game.feature_count - 1}, not {lists[0]}")
        if self.game.default_features:
            planes = np.zeros(self.game.planes, np.float32)
            self.game.encode(self.game.record(s), planes)
            if not np.isin(planes, (0, 1)).all():
                raise Finding("planes are not all 0 or 1, so the file must define FEATURES, MAX_ACTIVE and features")

    def _policy_index(self, s: StateArray, actions: list[int]) -> None:
        indices = [int(self.game.policy_index(self.game.record(s), a)) for a in actions]
        self._equal(indices, [int(self.extra[2](s, a)) for a in actions])
        if len(set(indices)) < len(indices) or any(not 0 <= i < self.game.logits for i in indices):
            raise Finding(f"must be distinct over legal actions and in 0..{self.game.logits - 1}, not {indices}")

    def _action_text(self, s: StateArray, actions: list[int]) -> None:
        for action in actions:
            text = self.game.format_action(s, action)
            if text.split() != [text]:
                raise Finding(f"writes action {action} as {text!r}, which is not one word")
            if (back := self.game.parse_action(s, text)) != action:
                raise Finding(f"writes action {action} as {text!r}, which parse_action reads as {back}")
        try:
            self.game.parse_action(s, "no such move")
        except TandemError:
            return
        raise Finding("parse_action accepts 'no such move'; it must raise ValueError")

    def _text(self, s: StateArray) -> None:
        text = self.game.to_text(s)
        if "\n" in text:
            raise Finding(f"writes several lines: {text!r}")
        back = self.game.from_text(text)
        if back.tobytes() != s.tobytes():
            raise Finding(f"writes {text!r}, which from_text reads as {back[0]} instead of {s[0]}")

    def _render(self, s: StateArray) -> None:
        if not self.game.render(s).strip():
            raise Finding("draws nothing")

    def _transform(self, s: StateArray, k: int, actions: list[int]) -> None:
        images = []
        for call in (
            lambda out: self.game.transform(self.game.record(s), k, self.game.record(out)),
            lambda out: self.rules.transform(s, k, out),
        ):
            out = self.game.states(1)
            images.append((bool(call(out)), out))
        self._equal(images[0][0], images[1][0])
        if not images[0][0]:
            return
        image = images[1][1]
        self._equal(images[0][1].tobytes(), image.tobytes())
        mapped = [int(self.game.transform_action(k, a)) for a in actions]
        legal = self.rules.legal(image)
        if sorted(mapped) != sorted(legal):
            images_of = f"images of the actions {sorted(mapped)}"
            raise Finding(f"k={k}: legal actions of the image are {sorted(legal)}, {images_of}")
        for action, other in zip(actions, mapped, strict=True):
            after, after_image, image_after = s.copy(), image.copy(), self.game.states(1)
            self.rules.play(after, 0, action)
            self.rules.play(after_image, 0, other)
            self.rules.transform(after, k, image_after)
            if after_image.tobytes() != image_after.tobytes():
                raise Finding(f"k={k}: does not commute with playing {self.game.format_action(s, action)}")
        if not actions and self.rules.outcome(s, 0) != self.rules.outcome(image, 0):
            raise Finding(f"k={k}: changes the outcome")

    def _step(
        self, name: str, before: StateArray, plain: Callable[[StateArray], Any], compiled: Callable[[StateArray], Any]
    ) -> StateArray | None:
        """The state after a step, taken both ways; None where it raises."""
        after, after_compiled = before.copy(), before.copy()
        try:
            plain(after)
            compiled(after_compiled)
        except Exception as error:
            self._find(name, before, f"raises {type(error).__name__}: {error}")
            return None
        if after.tobytes() != after_compiled.tobytes():
            self._find(name, before, f"plain Python gives {after[0]}, compiled {after_compiled[0]}")
        return after_compiled

    def _equal(self, plain: Any, compiled: Any) -> None:
        if plain != compiled:
            raise Finding(f"plain Python gives {plain}, compiled {compiled}")

    def _find(self, name: str, states: StateArray, difference: str) -> None:
        if name not in self.broken:
            self.broken.add(name)
            self.report.findings.append(" ".join(f"{name}, at {self._name(states)}: {difference}".split()))

    def _name(self, states: StateArray) -> str:
        try:
            return self.game.to_text(states) or "the empty text"
        except Exception:
            return str(states[0])


def _extra_kernels(game: Game) -> tuple[Callable[..., Any], Callable[..., Any], Callable[..., Any]]:
    features_of, eval_key_of, policy_index_of = game.features, game.eval_key, game.policy_index

    @kernel(game)
    def features(states: Any, out: Any) -> Any:
        return features_of(states[0], out)

    @kernel(game)
    def eval_key(states: Any) -> Any:
        return eval_key_of(states[0])

    @kernel(game)
    def policy_index(states: Any, action: Any) -> Any:
        return policy_index_of(states[0], action)

    return features, eval_key, policy_index


def main(arguments: list[str]) -> int:
    """Check one game and print what was found; exit code 0, or 1 with findings."""
    parser = Parser(prog="python -m games.check", description="Check a game file against the contract.")
    parser.add_argument("game", help="a game's name or the path of a game file, parameters after a colon")
    parser.add_argument("--games", type=int, default=20, help="random games to play (20)")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    if options.games < 1 or options.seed < 0:
        raise TandemError("--games must be at least 1 and --seed at least 0")
    report = check(load(options.game), options.games, options.seed)
    print(f"perft {' '.join(str(n) for n in report.perft)}")
    for finding in report.findings:
        print(finding)
    words = f"{len(report.findings)} findings" if report.findings else "all checks hold"
    print(f"{report.game}: {words}, {options.games} random games, {report.positions} positions")
    return 1 if report.findings else 0


if __name__ == "__main__":
    run_main(main)
