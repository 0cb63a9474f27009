import pytest

from engine.position import Position
from games.contract import Game
from games.errors import TandemError
from games.loader import load
from players.choice import Choice, Forfeit
from players.match import GameRecord, PairRecord, Table, Work, openings, play_game
from players.report import MatchResult
from players.spec import parse_spec

GAME = load("tictactoe")


class Scripted:
    """Plays the first legal action, or the last; forfeits at a given ply."""

    def __init__(self, name: str, which: int, forfeit_at: int = 99) -> None:
        self.name, self.which, self.forfeit_at, self.games = name, which, forfeit_at, 0

    def choose(self, position: Position) -> Choice:
        if position.ply >= self.forfeit_at:
            raise Forfeit(f"{self.name} resigns")
        return Choice(position.legal()[self.which], None)

    def new_game(self) -> None:
        self.games += 1

    def close(self) -> None: ...


def distinct(game: Game, lines: list[list[int]]) -> int:
    states = []
    for line in lines:
        position = Position(game)
        for action in line:
            position.play(action)
        assert not position.ended
        states.append(position.state.tobytes())
    return len(set(states))


def test_openings_are_distinct_while_they_last_then_repeat_evenly() -> None:
    game = load("connect4")
    assert distinct(game, openings(game, 40, 2, 1)) == 40
    # 7 * 7 lines of two plies, all to different positions.
    assert distinct(game, openings(game, 49, 2, 1)) == 49
    twice = openings(game, 98, 2, 1)
    assert distinct(game, twice[49:]) == 49
    assert openings(game, 3, 0, 1) == [[], [], []]


def test_openings_repeat_by_seed_and_leave_games_unfinished() -> None:
    assert openings(GAME, 20, 5, 1) == openings(GAME, 20, 5, 1) != openings(GAME, 20, 5, 2)
    # A third of the lines of seven plies are won by then.
    assert distinct(GAME, openings(GAME, 200, 7, 1)) == 200
    with pytest.raises(TandemError, match="no unfinished opening of 9 plies"):
        openings(GAME, 1, 9, 1)


def test_first_of_the_players_moves_first_from_the_start() -> None:
    low, high = Scripted("low", 0), Scripted("high", -1)
    record = play_game(GAME, (low, high), [4])
    assert record is not None
    # x has b2, a1 and b1, and o the top row.
    assert (record.actions, record.outcome) == ((4, 8, 0, 7, 1, 6), -1)
    assert [work.moves for work in record.work] == [2, 3]
    assert (low.games, high.games) == (1, 1)


@pytest.mark.parametrize(("ply", "outcome"), [(2, -1.0), (3, 1.0)])
def test_who_forfeits_loses(ply: int, outcome: float) -> None:
    record = play_game(GAME, (Scripted("a", 0, ply), Scripted("b", -1, ply)), [])
    assert record is not None
    assert record.outcome == outcome
    assert record.forfeit == ("a resigns" if ply == 2 else "b resigns")
    assert len(record.actions) == ply


def test_stopped_games_do_not_count() -> None:
    assert play_game(GAME, (Scripted("a", 0), Scripted("b", 0)), [], lambda: True) is None
    table = Table(GAME, (parse_spec("random"), parse_spec("random")), 1, 60)
    assert table.play_pair(0, [], lambda: True) is None


def test_pairs_swap_colours_and_depend_on_their_number_alone() -> None:
    specs = (parse_spec("search:simulations=200"), parse_spec("random"))
    table = Table(GAME, specs, 1, 60)
    pairs = [table.play_pair(number, [number]) for number in range(8)]
    alone = Table(GAME, specs, 1, 60).play_pair(5, [5])
    assert alone == pairs[5]
    assert alone is not None
    for other in (Table(GAME, specs, 2, 60).play_pair(5, [5]), table.play_pair(6, [5])):
        assert other is not None
        assert alone.games != other.games
    for pair in pairs:
        assert pair is not None
        first, second = pair.games
        # Each side's moves: the searcher moves first in the first game, second in the other.
        assert first.work[0].simulations > 0 == first.work[1].simulations
        assert second.work[1].simulations > 0 == second.work[0].simulations
        assert first.actions[0] == second.actions[0] == pair.number


def test_seed_of_a_spec_changes_the_games() -> None:
    games = [
        Table(GAME, (parse_spec(a), parse_spec("random")), 1, 60).play_pair(0, []) for a in ("random", "random:seed=9")
    ]
    assert games[0] != games[1]


def game(outcome: float, *actions: int, forfeit: str = "") -> GameRecord:
    return GameRecord(actions, outcome, forfeit, (Work(2, 0.5, 10, 4), Work(1, 0.1, 0, 0)))


def test_report_counts_from_the_side_of_a() -> None:
    pairs = (
        PairRecord(0, (game(1, 1, 2, 3), game(1, 1, 2, 3, 4, 5))),
        PairRecord(1, (game(0, 1, 2, 3), game(-1, 1, forfeit="x resigns"))),
        PairRecord(2, (game(-1, 9, forfeit="y dies"), game(0, 8))),
    )
    result = MatchResult("g", ("one", "two"), 3, 2, 6, pairs)
    assert result.wins_draws_losses == (2, 2, 2)
    assert result.pair_scores == [0.5, 0.75, 0.25]
    assert (result.score, result.elo, result.games) == (0.5, 0, 6)
    assert result.unique == 5 / 6
    assert result.mean_plies == 14 / 6
    assert result.work(0) == Work(9, pytest.approx(1.8), 30, 12)
    assert result.work(1) == Work(9, pytest.approx(1.8), 30, 12)
    # In game two of a pair A sits second: the first player that forfeits there is B.
    assert (result.forfeits(0), result.forfeits(1)) == (["y dies"], ["x resigns"])
    low, high = result.elo_interval
    assert low is not None
    assert high is not None
    assert low < 0 < high


@pytest.mark.parametrize(("outcome", "words"), [(1.0, "Elo above +"), (-1.0, "Elo below -")])
def test_lopsided_matches_give_a_bound(outcome: float, words: str) -> None:
    pairs = tuple(PairRecord(n, (game(outcome), game(-outcome))) for n in range(50))
    result = MatchResult("g", ("one", "two"), 3, 0, 100, pairs)
    assert result.elo is None
    assert [end is None for end in result.elo_interval] == [outcome < 0, outcome > 0]
    assert words in "\n".join(result.lines())
    assert '"elo": null' in result.lines()[-1]


class Shuffler:
    """Moves its knight out and back, for ever."""

    name = "shuffler"

    def choose(self, position: Position) -> Choice:
        moves = (("g1f3", "f3g1"), ("g8f6", "f6g8"))[position.ply % 2]
        return Choice(position.game.parse_action(position.state, moves[position.ply // 2 % 2]), None)

    def new_game(self) -> None: ...

    def close(self) -> None: ...


def test_a_match_claims_the_draws_that_players_would_play_on_from() -> None:
    record = play_game(load("chess"), (Shuffler(), Shuffler()), [])
    assert record is not None
    assert (len(record.actions), record.outcome, record.forfeit) == (8, 0.0, "")
