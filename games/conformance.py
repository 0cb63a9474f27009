"""What is held against the contract: a game's plain functions and its compiled ones, in positions of random games."""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from games import trial
from games.compiler import kernel
from games.contract import Cell, Game, StateArray
from games.rng import below
from games.rules import rules
from games.sources import where
from games.trial import MIX, Finding
from games.typed import misfits

PERFT_NODES, PERFT_DEPTH = 200_000, 60
LOOKED_AT = 300  # plies of one game; what is left of it is played with the compiled rules
NUMBERS = f"compiled ints have 64 bits and wrap around; {MIX}"


@dataclass
class Report:
    """What a check found; `perft` are node counts from the start, by depth from 0."""

    game: str
    games: int = 0
    positions: int = 0
    perft: list[int] = field(default_factory=list)
    findings: list[str] = field(default_factory=list)


class Conformance:
    """One check of a game, whose findings go to a report."""

    def __init__(self, game: Game, report: Report) -> None:
        self.game, self.report, self.rules = game, report, rules(game)
        self.extra = extra_kernels(game)
        self.broken: set[str] = set()
        self.encodings: dict[int, tuple[bytes, str]] = {}

    def run(self, games: int, rng: Any, deadline: float) -> None:
        """Play random games, looking at every position on the way."""
        game = self.game
        for name, words in misfits(game).items():
            self._find(name, words)
        for number in range(games):
            if "MAX_PLIES" in self.broken or (number and time.monotonic() > deadline):
                break  # one game without an end is enough
            self.report.games += 1
            states, ply = self._step("start", game.states(1), lambda s: game.start(game.record(s)), self.rules.start), 0
            occurred = Counter[int]()
            while states is not None:
                self.report.positions += 1
                actions = self._position(states)
                if not actions or (
                    game.repetition
                    and "key" not in self.broken
                    and trial.repeated(game, occurred, self.rules.key(states, 0))
                ):
                    break
                try:
                    trial.require_end(game, ply)
                except Finding as error:
                    self._find("MAX_PLIES", error, states)
                    break
                if ply == LOOKED_AT:
                    ply += trial.play_on(game, states, game.max_plies - ply, rng, occurred)
                else:
                    states, ply = self._play(states, actions[below(rng, len(actions))]), ply + 1

    def count(self) -> None:
        """Perft counts as deep as PERFT_NODES allow."""
        counts = self.report.perft
        counts.append(1)
        if self.broken & {"start", "legal", "play"}:
            return  # the compiled count trusts all three: it checks no bounds
        deepest = min(self.game.max_plies, PERFT_DEPTH)
        while counts[-1] and len(counts) <= deepest and counts[-1] * self.game.max_legal <= PERFT_NODES * 8:
            counts.append(int(self.rules.perft(self.rules.first(), len(counts))))

    def _position(self, states: StateArray) -> list[int]:
        """Every check of one position; its legal actions."""
        actions: list[int] = []
        for name, look in self._looks(states, actions):
            if name not in self.broken:
                try:
                    look()
                except Exception as error:
                    self._find(name, error, states)
            if "legal" in self.broken:
                return []
        return actions

    def _looks(self, s: StateArray, actions: list[int]) -> Iterator[tuple[str, Callable[[], object]]]:
        yield "legal", lambda: self._legal(s, actions)
        if actions:  # first, as what follows rests on it
            yield "play", lambda: self._play(s, actions[0])
        if not actions:
            yield "outcome", lambda: self._outcome(s)
            yield "ending", lambda: self.game.ending(s)
        elif self.game.best_first is not None and not self.broken & {"play", "outcome"}:
            yield "best_first", lambda: self._best_first(s, actions)
        if actions and self.game.wins_at_once is not None and not self.broken & {"play", "outcome"}:
            yield "wins_at_once", lambda: self._wins_truly(s, actions)
        yield "key", lambda: self._key(self.game.key(self.game.record(s)), self.rules.key(s, 0))
        if "key" not in self.broken:  # which is eval_key too where the file does not define one
            yield "eval_key", lambda: self._key(self.game.eval_key(self.game.record(s)), self.extra[1](s))
        yield "encode", lambda: self._encode(s)
        if "encode" not in self.broken or not self.game.default_features:
            yield "features", lambda: self._features(s)
        yield "policy_index", lambda: self._policy_index(s, actions)
        if self.game.listed.terms > 1:
            yield "policy_terms", lambda: self._policy_terms(s, actions)
        yield "format_action", lambda: self._action_text(s, actions)
        yield "to_text", lambda: self._text(s)
        yield "render", lambda: self._render(s)
        if self.game.grid is not None:
            yield "pieces", lambda: self._pieces(s)
            yield "touched", lambda: self._touched(s, actions)
            yield "ended_by", lambda: self._on_grid([] if actions else self.game.ended_by(s), "")
        for k in range(1, self.game.symmetries):
            yield "transform", partial(self._transform, s, k, actions)

    def _best_first(self, s: StateArray, actions: list[int]) -> None:
        """What exact search rests on: every win in one ply and loss in two is told, and no other move is left out."""
        wins, loses = self._at_once(s, actions)
        poisoned = {action for action, lost in zip(actions, loses, strict=True) if lost}
        expected = -1 if wins.any() else -2 if loses.all() else 0
        assert self.game.best_first is not None
        out = np.full(self.game.max_legal, trial.SENTINEL, np.int32)
        found = int(self.game.best_first(self.game.record(s.copy()), out))
        if min(found, 0) != expected:
            raise Finding(f"returns {found} where it should be {expected or 'how many moves it wrote'}")
        kept = [int(action) for action in out[: max(found, 0)]]
        if expected == 0 and (len(set(kept)) < len(kept) or not set(actions) - poisoned <= set(kept) <= set(actions)):
            raise Finding(
                f"wrote {kept} of the legal {actions}; only {sorted(poisoned)} lose at once and may be left out"
            )

    def _wins_truly(self, s: StateArray, actions: list[int]) -> None:
        assert self.game.wins_at_once is not None
        expected = self._at_once(s, actions)[0].any()
        if (found := bool(self.game.wins_at_once(self.game.record(s)))) != expected:
            raise Finding(
                f"returns {found} where a move that wins at once {'exists' if expected else 'does not exist'}"
            )

    def _at_once(self, s: StateArray, actions: list[int]) -> npt.NDArray[np.bool_]:
        """[2, n]: which actions win the game at once, and after which the opponent does."""
        found = np.zeros((2, len(actions)), np.bool_)
        self.extra[4](s, np.array(actions, np.int32), found)
        return found

    def _legal(self, s: StateArray, actions: list[int]) -> None:
        plain = trial.listed(self.game, lambda out: self.game.legal(self.game.record(s), out))
        # What lies within the array that compiled rules are given may be written over.
        self._equal(plain, trial.listed(self.game, lambda out: self.rules.legal_into(s, 0, out[:-1])))
        trial.require_actions(self.game, plain)
        actions.extend(plain)

    def _outcome(self, s: StateArray) -> None:
        plain, compiled = self.game.outcome(self.game.record(s)), self.rules.outcome(s, 0)
        trial.require_outcome(plain)
        self._equal(float(plain), float(compiled))

    def _encode(self, s: StateArray) -> None:
        plain, compiled = (np.full((1, *self.game.planes), np.nan, np.float32) for _ in range(2))
        self.game.encode(self.game.record(s), plain[0])
        self.rules.encode(s, compiled)
        if np.isnan(plain).any():
            cell = tuple(int(i) for i in np.argwhere(np.isnan(plain[0]))[0])
            raise Finding(f"leaves cell {cell} unwritten; write every cell, the zeros too")
        self._equal(plain.tolist(), compiled.tolist())
        if self.broken & {"key", "eval_key"}:
            return
        key, text = int(self.extra[1](s)), trial.shown(self.game, s)
        seen = self.encodings.setdefault(key, (plain.tobytes(), text))
        if seen[0] != plain.tobytes():
            words = f"encode writes other planes than at {seen[1]}, which has the same eval_key {key}"
            own = next((name for name in ("eval_key", "key") if where(self.game.path, name) != self.game.path.name), "")
            hint = f"{own} must tell apart all that encode reads" if own else "encode must read the record alone"
            raise Finding(f"{words}; {hint}", own)

    def _features(self, s: StateArray) -> None:
        lists = []
        calls: tuple[Callable[..., Any], ...] = (
            partial(self.game.features, self.game.record(s)),
            partial(self.extra[0], s),
        )
        for call in calls:
            out = np.full(self.game.max_active + 1, trial.SENTINEL, np.int32)
            n = trial.counted(call(out), "indices")
            if not 0 <= n <= self.game.max_active or out[-1] != trial.SENTINEL:
                raise Finding(f"writes {n} indices, more than MAX_ACTIVE = {self.game.max_active}; make that larger")
            lists.append([int(a) for a in out[:n]])
        self._equal(*lists)
        if any(not 0 <= i < self.game.feature_count for i in lists[0]):
            words = "write others, or make FEATURES larger"
            raise Finding(f"indices must be in 0..{self.game.feature_count - 1}, not {lists[0]}; {words}")
        if self.game.default_features:
            planes = np.zeros(self.game.planes, np.float32)
            self.game.encode(self.game.record(s), planes)
            if not np.isin(planes, (0, 1)).all():
                words = "write 0s and 1s, or define FEATURES, MAX_ACTIVE and features(s, out) too"
                raise Finding(f"writes planes that are not all 0 or 1; {words}", "encode")

    def _policy_index(self, s: StateArray, actions: list[int]) -> None:
        indices = [int(self.game.policy_index(self.game.record(s), a)) for a in actions]
        self._equal(indices, [int(self.extra[2](s, a)) for a in actions])
        if len(set(indices)) < len(indices) or any(not 0 <= i < self.game.logits for i in indices):
            words = f"must be distinct over legal actions and in 0..{self.game.logits - 1}, not {indices}"
            raise Finding(f"{words}; return others, or make LOGITS larger")

    def _policy_terms(self, s: StateArray, actions: list[int]) -> None:
        game = self.game.listed
        moves, out = np.array(actions, np.int32), np.zeros((2, len(actions), game.terms), np.int32)
        game.policy_terms(self.game.record(s), moves, len(actions), out[0])
        self.extra[3](s, moves, out[1])
        plain, compiled = out.tolist()
        self._equal(plain, compiled)
        if out.size and not 0 <= out.min() <= out.max() < game.logits:
            raise Finding(f"indices must be in 0..{game.logits - 1}, not {plain}; make TERM_LOGITS larger")

    def _action_text(self, s: StateArray, actions: list[int]) -> None:
        parse, record = self.game.module.parse_action, self.game.record(s)
        for action in actions:
            text = self.game.format_action(s, action)
            if text.split() != [text]:
                raise Finding(f"writes action {action} as {text!r}, which is not one word; leave the spaces out")
            if (back := parse(record, text)) != action:
                raise Finding(f"writes action {action} as {text!r}, which parse_action reads as {back!r}")
        try:
            parse(record, "no such move")
        except ValueError:
            return
        raise Finding("parse_action accepts 'no such move'; raise ValueError for what is no move", "parse_action")

    def _text(self, s: StateArray) -> None:
        written = self.game.module.to_text(self.game.record(s))
        if not isinstance(written, str):
            raise Finding(f"returns {written!r}; return the position as one line of text")
        text = self.game.to_text(s)
        if "\n" in text:
            raise Finding(f"writes several lines: {text!r}; write one")
        back = self.game.from_text(text)
        if back.tobytes() != s.tobytes():
            raise Finding(f"writes {text!r}, which from_text reads as {back[0]} instead of {s[0]}")

    def _render(self, s: StateArray) -> None:
        drawn = self.game.module.render(self.game.record(s))
        if not isinstance(drawn, str) or not drawn.strip():
            raise Finding(f"returns {drawn!r}; return the board as lines of text")

    def _pieces(self, s: StateArray) -> None:
        assert self.game.grid is not None
        rows, columns = len(self.game.grid.rows), len(self.game.grid.columns)
        drawn = self.game.pieces(s)
        if [len(row) for row in drawn] != [columns] * rows or any(not row.isprintable() for row in drawn):
            raise Finding(f"returns {drawn!r}; return {rows} rows of {columns} characters, as GRID names them")

    def _touched(self, s: StateArray, actions: list[int]) -> None:
        for action in actions:
            self._on_grid(self.game.touched(s, action), f" of {self.game.format_action(s, action)}")

    def _on_grid(self, cells: list[Cell], whose: str) -> None:
        assert self.game.grid is not None
        rows, columns = len(self.game.grid.rows), len(self.game.grid.columns)
        if outside := [cell for cell in cells if not (0 <= cell[0] < rows and 0 <= cell[1] < columns)]:
            limits = f"rows 0..{rows - 1} and columns 0..{columns - 1}"
            raise Finding(f"cells{whose} must be (row, column) within {limits}, not {outside[0]}")

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
            words = f"k={k}: legal actions of the image are {sorted(legal)}, not those that transform_action gives"
            raise Finding(f"{words}, {sorted(mapped)}")
        for action, other in zip(actions, mapped, strict=True) if "play" not in self.broken else ():
            after, after_image, image_after = s.copy(), image.copy(), self.game.states(1)
            self.rules.play(after, 0, action)
            self.rules.play(after_image, 0, other)
            self.rules.transform(after, k, image_after)
            if after_image.tobytes() != image_after.tobytes():
                words = f"playing {self.game.format_action(s, action)} and then transforming gives"
                there = f"transforming and then playing {self.game.format_action(image, other)}"
                first, second = trial.shown(self.game, image_after), trial.shown(self.game, after_image)
                raise Finding(f"k={k}: {words} {first}, {there} {second}")
        if not actions and "outcome" not in self.broken and self.rules.outcome(s, 0) != self.rules.outcome(image, 0):
            raise Finding(f"k={k}: changes the outcome; an image must be worth the same")

    def _play(self, states: StateArray, action: int) -> StateArray | None:
        game = self.game
        return self._step(
            "play", states, lambda s: game.play(game.record(s), action), lambda s: self.rules.play(s, 0, action)
        )

    def _step(
        self, name: str, before: StateArray, plain: Callable[[StateArray], Any], compiled: Callable[[StateArray], Any]
    ) -> StateArray | None:
        """The state after a step, taken both ways; None where it raises."""
        after, after_compiled = before.copy(), before.copy()
        try:
            plain(after)
            compiled(after_compiled)
        except Exception as error:
            self._find(name, error, before)
            return None
        if after.tobytes() != after_compiled.tobytes():
            self._find(name, f"plain Python gives {after[0]}, compiled {after_compiled[0]}; {NUMBERS}", before)
        return after_compiled

    def _key(self, plain: Any, compiled: Any) -> None:
        if not isinstance(plain, int | np.integer):
            raise Finding(f"returns {plain!r}; return a whole number of 64 bits, which tells all positions apart")
        self._equal(plain, compiled)

    def _equal(self, plain: Any, compiled: Any) -> None:
        if plain != compiled:
            raise Finding(f"plain Python gives {plain}, compiled {compiled}; {NUMBERS}")

    def _find(self, name: str, difference: str | Exception, states: StateArray | None = None) -> None:
        """Note what is wrong with `name`, in words or as what it raised, at a position if it takes one to see it."""
        if name in self.broken:
            return
        self.broken.add(name)
        self.report.findings.append(trial.told(self.game, name, difference, states))


def extra_kernels(game: Game) -> tuple[Callable[..., Any], ...]:
    """Compile what the rules' own kernels do not call."""
    features_of, eval_key_of, policy_index_of = game.features, game.eval_key, game.policy_index
    policy_terms_of, max_legal = game.listed.policy_terms, game.max_legal
    legal_of, play_of, outcome_of = game.legal, game.play, game.outcome

    @kernel(game)
    def features(states: Any, out: Any) -> Any:
        return features_of(states[0], out)

    @kernel(game)
    def eval_key(states: Any) -> Any:
        return eval_key_of(states[0])

    @kernel(game)
    def policy_index(states: Any, action: Any) -> Any:
        return policy_index_of(states[0], action)

    @kernel(game)
    def policy_terms(states: Any, moves: Any, out: Any) -> None:
        policy_terms_of(states[0], moves, len(moves), out)

    @kernel(game)
    def wins(states: Any, action: Any, s: Any, moves: Any) -> Any:
        s[0] = states[0]
        play_of(s[0], action)
        return legal_of(s[0], moves) == 0 and outcome_of(s[0]) < 0

    @kernel(game)
    def at_once(states: Any, actions: Any, found: Any) -> None:
        s, moves, after = np.empty_like(states), np.empty(max_legal, np.int32), np.empty_like(states)
        for j in range(len(actions)):
            found[0, j] = wins(states, actions[j], s, moves)
            n = 0 if found[0, j] else legal_of(s[0], moves)
            replies = moves[:n].copy()
            after[0] = s[0]
            for reply in replies:
                if wins(after, reply, s, moves):
                    found[1, j] = True
                    break

    return features, eval_key, policy_index, policy_terms, at_once
