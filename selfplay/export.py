"""The games of a run as text: one game a line, its moves and its result, shard by shard as they were played."""

import logging
from dataclasses import dataclass
from pathlib import Path

from tqdm import tqdm

from games.contract import Game
from games.errors import TandemError
from games.files import check_output, writing
from games.movelist import serialise
from games.rules import rules
from selfplay.records import GameRecord
from selfplay.rundir import RunDir
from selfplay.shards import ForeignGames, UnreadGames
from selfplay.store import Shard, Store

_log = logging.getLogger("tandem")


@dataclass
class Exported:
    """What became of a run's games."""

    games: int = 0
    others: int = 0  # positions that were labelled, and games that begin elsewhere: no list of moves says where
    broken: int = 0  # games whose moves the rules refuse
    skipped: int = 0  # shards that are damaged, of another game or cannot be read


def moves_of(game: Game, record: GameRecord) -> list[str]:
    """A game's moves as its players write them, from the game's own start. TandemError names an illegal one."""
    compiled = rules(game)
    state, moves = compiled.first(), []
    for ply, action in enumerate(record.actions.tolist()):
        # What comes from a file must not reach compiled code unchecked.
        if action not in compiled.legal(state):
            raise TandemError(f"game {record.number}: action {action} is illegal at ply {ply}")
        moves.append(game.format_action(state, action))
        compiled.play(state, 0, action)
    return moves


def export_games(run: RunDir, game: Game, out: Path, *, show_progress: bool = False) -> Exported:
    """Write all games of a run to `out`, each once, holding one shard in memory at a time.

    Raises TandemError when the run is of other rules or `out` cannot be written, and then leaves what was there.
    Damaged shards are skipped with a warning.
    """
    if game.rules_id != run.config.get("rules_id"):
        raise TandemError(f"{run.path} is a run of {run.config.get('rules_id')}, not of {game.rules_id}")
    check_output(out)
    done = Exported()
    named = {path.name for path in run.games.glob("*") if Shard.named(path.name)}
    store = Store(run.games, game.rules_id)
    shards = store.shards()
    done.skipped = len(named - {shard.name for shard in shards})  # the newest, when it cannot be opened
    with writing(out) as file:
        file.write(f"# {game.spec}\n".encode())
        for shard in tqdm(shards, unit="shard", disable=not show_progress, leave=False):
            batch = None
            try:
                batch = store.load(shard)
            except (ForeignGames, UnreadGames) as error:
                _log.warning("%s; skipped", error)
            if batch is None:
                done.skipped += 1
                continue
            for record in batch.records():
                if record.start or not len(record.actions):
                    done.others += 1
                    continue
                try:
                    line = serialise(moves_of(game, record), record.outcome)
                except TandemError as error:
                    _log.warning("%s: %s; left out", shard.name, error)
                    done.broken += 1
                    continue
                file.write(line)
                done.games += 1
    return done
