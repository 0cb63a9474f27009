"""Random openings, one game between two players, and the pair of games that makes colours fair."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import cycle, islice

from engine.position import Position
from games.contract import Game
from games.errors import TandemError
from games.rng import Random, seed_for
from players.choice import Forfeit, Player
from players.player import make_player
from players.spec import PlayerSpec

# Random lines tried in vain, per opening found, before openings count as used up: a last one, as likely as the others,
# is overlooked with a chance of e^-20.
TRIES_PER_OPENING = 20
LEAST_TRIES = 1000
_OPENINGS = 2**40  # the number of the openings' random stream; pairs have lower ones


@dataclass
class Work:
    """What one player's moves took, summed; a player that does not search counts moves and seconds alone."""

    moves: int = 0
    seconds: float = 0.0
    simulations: int = 0
    evaluations: int = 0

    def add(self, other: "Work") -> None:
        """Add the other's sums to these."""
        self.moves += other.moves
        self.seconds += other.seconds
        self.simulations += other.simulations
        self.evaluations += other.evaluations


@dataclass(frozen=True)
class GameRecord:
    """One game: its actions from the start, opening included, and who won.

    `outcome` is +1, 0 or -1 for the player who moves first from the start; `work` is that of first and second player.
    `forfeit` is empty, or says why the player to move lost an unfinished game.
    """

    actions: tuple[int, ...]
    outcome: float
    forfeit: str
    work: tuple[Work, Work] = field(compare=False)


def openings(game: Game, count: int, plies: int, seed: int) -> list[list[int]]:
    """`count` random lines of `plies` legal actions that leave the game unfinished.

    They lead to distinct positions while such last, then repeat. Raises TandemError when there is none.
    """
    random = Random(seed_for(seed, _OPENINGS))
    found: dict[bytes, list[int]] = {}
    misses = 0
    while len(found) < count and misses < max(LEAST_TRIES, TRIES_PER_OPENING * len(found)):
        position = _random_line(game, plies, random)
        if position is None or position.state.tobytes() in found:
            misses += 1
        else:
            found[position.state.tobytes()] = position.actions
            misses = 0
    if not found:
        raise TandemError(f"{game.spec} has no unfinished opening of {plies} plies; give fewer opening plies")
    return list(islice(cycle(found.values()), count))


def _random_line(game: Game, plies: int, rng: Random) -> Position | None:
    position = Position(game)
    for _ in range(plies):
        if position.ended:
            return None
        legal = position.legal()
        position.play(legal[rng.below(len(legal))])
    return None if position.ended else position


def play_game(
    game: Game, players: tuple[Player, Player], opening: list[int], stop: Callable[[], bool] = lambda: False
) -> GameRecord | None:
    """Play on from `opening`; players[0] moves first from the start. A Forfeit loses; None when stop() says so."""
    position, work = Position(game), (Work(), Work())
    for action in opening:
        position.play(action)
    for player in players:
        player.new_game()
    while not position.ended:
        if stop():
            return None
        seat = position.ply % 2
        began = time.perf_counter()
        try:
            choice = players[seat].choose(position)
        except Forfeit as error:
            return GameRecord(tuple(position.actions), 1.0 if seat else -1.0, str(error), work)
        found = choice.result
        simulations, evaluations = (found.simulations, found.evaluations) if found is not None else (0, 0)
        work[seat].add(Work(1, time.perf_counter() - began, simulations, evaluations))
        position.play(choice.action)
    return GameRecord(tuple(position.actions), position.first_player_outcome(), "", work)


@dataclass(frozen=True)
class PairRecord:
    """Both games of one opening; the match's first player moves first in games[0], second in games[1]."""

    number: int
    games: tuple[GameRecord, GameRecord]

    @property
    def outcomes(self) -> tuple[float, float]:
        """+1, 0 or -1 in each game for the match's first player."""
        return self.games[0].outcome, -self.games[1].outcome

    @property
    def score(self) -> float:
        """Of the match's first player: 0, 1/4, 1/2, 3/4 or 1."""
        return 0.5 + sum(self.outcomes) / 4


class Table:
    """Where pairs are played one after the other. Not thread-safe.

    Our own players are made anew for each game, seeded by the match's seed, the pair's number, the game, the side and
    the spec's own seed: a pair comes out the same wherever and after whatever it is played. Engines keep running.
    """

    def __init__(self, game: Game, specs: tuple[PlayerSpec, PlayerSpec], seed: int, reply_seconds: float) -> None:
        self._game, self._specs, self._seed, self._reply_seconds = game, specs, seed, reply_seconds
        self._engines: dict[int, Player] = {}

    def play_pair(self, number: int, opening: list[int], stop: Callable[[], bool] = lambda: False) -> PairRecord | None:
        """Play both games from `opening`; None when stop() says so. Raises TandemError when a player cannot be made."""
        games = []
        for swapped in (0, 1):
            players = [self._player(number, swapped, side) for side in (swapped, 1 - swapped)]
            try:
                record = play_game(self._game, (players[0], players[1]), opening, stop)
            finally:
                for player in players:
                    if player not in self._engines.values():
                        player.close()
            if record is None:
                return None
            games.append(record)
        return PairRecord(number, (games[0], games[1]))

    def close(self) -> None:
        """End the engines."""
        for engine in self._engines.values():
            engine.close()
        self._engines.clear()

    def _player(self, number: int, swapped: int, side: int) -> Player:
        spec = self._specs[side]
        if spec.command is not None:
            if side not in self._engines:
                self._engines[side] = make_player(self._game, spec, reply_seconds=self._reply_seconds)
            return self._engines[side]
        seed = seed_for(seed_for(self._seed, number), 2 * swapped + side)
        if spec.seed is not None:
            seed = seed_for(seed, spec.seed)
        return make_player(self._game, spec.with_options(seed=seed))
