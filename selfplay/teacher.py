"""A teacher: a player that plays both sides of games and says of each position which move it would make.

It may be anybody's engine, `uci:COMMAND` say, or a mode of our own, such as `search`. So that the net sees odd
positions too, games begin with random moves, as those of self-play do, and `random_share` of all later moves are
random; what is learnt there is the teacher's move all the same.
"""

import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from itertools import count

import numpy as np

from engine.position import Position
from games.contract import Game
from games.rng import Random, seed_for
from players.choice import Choice, Forfeit, Player
from players.player import make_player
from players.ready import warm_up
from players.spec import parse_spec
from selfplay.config import TrainConfig
from selfplay.records import FULL, UNPROVEN, GameBatch, GameRecord

ROUND_SECONDS = 5.0  # a slow teacher does not hold the trainer up for longer
# A game that the teacher has seen as won or lost for so many plies on end is not played out, but for some: the net must
# learn to finish what is won.
DECIDED, DECIDED_PLIES, PLAYED_OUT = 0.97, 6, 0.25
MOST_PLIES = 300  # of a game; what is then not decided teaches little more
MOST_FAILURES = 3
SEED_SALT = 0x7EAC


class Teacher:
    """Plays games by itself, numbered as an actor's are. It stands where an Actor would, and holds no truth either."""

    def __init__(
        self,
        game: Game,
        config: TrainConfig,
        spec: str,
        *,
        first_number: int = 0,
        stride: int = 1,
        numbers: Sequence[int] = (),
    ) -> None:
        """Raises TandemError for a spec or an engine that does not work."""
        self.game, self.config, self.spec = game, config, spec
        self._numbers, self._listed = count(first_number, stride), deque(numbers)
        warm_up(game, parse_spec(spec), Position(game))
        self.player: Player = make_player(
            game, parse_spec(spec), seed=seed_for(config.seed, numbers[0] if numbers else first_number)
        )
        self.evaluations = 0  # of a net
        self._lessons = self._teach()
        self._failures = 0  # on end

    def play(self, plies: int, stop: Callable[[], bool] | None = None, effort: float = 1.0) -> GameBatch:
        """Label about so many positions, or for ROUND_SECONDS; the games that ended meanwhile.

        An engine that fails costs the game under way; Forfeit is raised when it fails MOST_FAILURES times on end.
        """
        records, deadline = list[GameRecord](), time.monotonic() + ROUND_SECONDS
        for _ in range(plies):
            if time.monotonic() > deadline or (stop and stop()):
                break
            try:
                record = next(self._lessons)
            except Forfeit:
                self._failures += 1
                self._lessons = self._teach()
                if self._failures < MOST_FAILURES:
                    continue
                if records:
                    break  # what has been labelled is kept first
                raise
            self._failures = 0
            if record is not None:
                records.append(record)
        return GameBatch.from_records(records)

    def number(self, numbers: Sequence[int]) -> None:
        """Actor.number."""
        self._listed.extend(numbers)

    def close(self) -> None:
        """End the engine."""
        self.player.close()

    def _teach(self) -> Iterator[GameRecord | None]:
        """Label a position after the other; None but where a game has ended."""
        while True:
            yield from self._game(self._listed.popleft() if self._listed else next(self._numbers))

    def _game(self, number: int) -> Iterator[GameRecord | None]:
        seed = seed_for(self.config.seed ^ SEED_SALT, number)
        rng = Random(seed)
        position = self._opening(rng)
        played_out = rng.uniform() < PLAYED_OUT
        first, choices, decided = position.ply, list[Choice](), 0
        self.player.new_game()
        most = min(self.game.max_plies, MOST_PLIES)
        while True:
            choice = self.player.choose(position)
            choices.append(choice)
            value = _value(choice)
            decided = decided + 1 if abs(value) >= DECIDED else 0
            legal = position.legal()
            other = rng.uniform() < self.config.random_share
            position.play(legal[rng.below(len(legal))] if other else choice.action)
            if position.ended:
                outcome, ended = position.first_player_outcome(), position.ended
                break
            if position.ply >= most:
                outcome, ended = 0.0, "max plies"
                break
            if decided >= DECIDED_PLIES and not played_out and not other:
                # The value of the last position with a label, whose player the other than who moves next is.
                outcome, ended = float(np.sign(value)) * (1 if (position.ply - 1) % 2 == 0 else -1), "label"
                break
            yield None
        yield record_of(number, seed, position, first, choices, int(outcome), ended, self.spec)

    def _opening(self, rng: Random) -> Position:
        """Random moves, few more likely than many, that do not decide the game (as selfplay.opening)."""
        config = self.config
        while True:
            position, plies = Position(self.game), 0
            if rng.uniform() < config.opening_share:
                plies = int(rng.uniform() ** 2 * (config.opening_plies + 1))
            while position.ply < plies and not position.ended:
                legal = position.legal()
                position.play(legal[rng.below(len(legal))])
            if not position.ended:
                return position


def _value(choice: Choice) -> float:
    """For the player to move; 0 from a teacher that does not tell."""
    if choice.result is not None:
        return choice.result.value if choice.result.proven is None else float(choice.result.proven)
    return choice.value or 0.0


def _wdl(choice: Choice) -> tuple[float, float, float]:
    """Win, draw, loss; NaN from a teacher that does not tell. The score of an engine says nothing of draws."""
    result = choice.result
    if result is not None:
        return result.wdl if result.proven is None else tuple(float(result.proven == x) for x in (1, 0, -1))  # type: ignore[return-value]
    if choice.value is None:
        return (np.nan, np.nan, np.nan)
    return ((1 + choice.value) / 2, 0.0, (1 - choice.value) / 2)


def record_of(
    number: int, seed: int, position: Position, first: int, choices: list[Choice], outcome: int, ended: str, spec: str
) -> GameRecord:
    """A game of which every position from ply `first` on was labelled: a row for each choice.

    The policy target is the teacher's own, or else all its move; `spec` says who it was.
    """
    n = len(choices)
    actions, policy, counts = list[int](), list[float](), list[int]()
    for choice in choices:
        if choice.result is None or choice.result.proven is not None:
            moves, shares = [choice.action], [1.0]
        else:
            moves, shares = choice.result.actions.tolist(), choice.result.policy.tolist()
        actions += moves
        policy += shares
        counts.append(len(moves))
    children = len(actions)
    return GameRecord(
        number=number,
        seed=seed,
        actions=np.array(position.actions, np.int32),
        source="teacher",
        net_id=spec,
        outcome=outcome,
        ended=ended,
        ply=np.arange(first, first + n, dtype=np.int32),
        kind=np.full(n, FULL, np.uint8),
        root_wdl=np.array([_wdl(choice) for choice in choices], np.float16),
        proven=np.full(n, UNPROVEN, np.int8),
        simulations=np.array([0 if c.result is None else c.result.simulations for c in choices], np.int32),
        child_count=np.array(counts, np.int32),
        child_action=np.array(actions, np.int32),
        policy=np.array(policy, np.float16),
        visits=np.zeros(children, np.int32),
        child_q=np.full(children, np.nan, np.float16),
    )
