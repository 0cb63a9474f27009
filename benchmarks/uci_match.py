"""Games between UCI engines through python-chess's engine interface, with clocks: what fails is counted.

python benchmarks/uci_match.py [--games 100] [--seconds 1] [--increment 0.1] [--engine COMMAND] [--opponent COMMAND].
Both engines are ours by default. Each pair of games starts from one random opening, with colours swapped. The clocks
are the script's, python-chess and the pipes included; a game ends as an arbiter ends it, draws that can be claimed
claimed. Exit code 1 when there was a time loss, an illegal move, a crash or a missing move.
"""

import argparse
import collections
import random
import shlex
import sys
import time
from pathlib import Path

import chess
import chess.engine

ROOT = Path(__file__).resolve().parent.parent
OURS = shlex.join([sys.executable, str(ROOT / "tandem_uci.py")])
PATIENCE = 30.0  # seconds beyond the clock until a move is missing


def opening(plies: int, seed: int) -> list[chess.Move]:
    """Random moves that leave the game unfinished."""
    choose = random.Random(seed)
    while True:
        board = chess.Board()
        while board.ply() < plies and (moves := list(board.legal_moves)):
            board.push(choose.choice(moves))
        if not board.is_game_over():
            return board.move_stack


def play(
    engines: list[chess.engine.SimpleEngine], moves: list[chess.Move], seconds: float, increment: float, game: object
) -> tuple[str, list[float]]:
    """One game, engines[0] as white: how it ended, and the seconds that were left at each move's end."""
    board, clocks, left = chess.Board(), [seconds, seconds], []
    for move in moves:
        board.push(move)
    while (outcome := board.outcome(claim_draw=True)) is None:
        side = 0 if board.turn else 1
        limit = chess.engine.Limit(
            white_clock=clocks[0], black_clock=clocks[1], white_inc=increment, black_inc=increment
        )
        engines[side].timeout = clocks[side] + PATIENCE
        began = time.monotonic()
        try:
            played = engines[side].play(board, limit, game=game)
        except chess.engine.EngineTerminatedError:
            return "crash", left
        except chess.engine.EngineError as error:
            print(f"  {error}")
            return "illegal move", left
        except TimeoutError:
            return "missing move", left
        clocks[side] -= time.monotonic() - began
        left.append(clocks[side])
        if clocks[side] < 0:
            return "time loss", left
        if played.move is None or not board.is_legal(played.move):
            return "missing move", left
        clocks[side] += increment
        board.push(played.move)
    return outcome.termination.name.lower().replace("_", " "), left


def main() -> int:
    """Play, and print how the games ended; 1 when something failed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--games", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=1.0)
    parser.add_argument("--increment", type=float, default=0.1)
    parser.add_argument("--engine", default=OURS)
    parser.add_argument("--opponent", default=OURS)
    parser.add_argument("--opening-plies", type=int, default=6)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    commands = [shlex.split(options.engine), shlex.split(options.opponent)]
    engines = [chess.engine.SimpleEngine.popen_uci(command, timeout=PATIENCE) for command in commands]
    ends: collections.Counter[str] = collections.Counter()
    least, moves = options.seconds, 0
    for number in range(options.games):
        seats = engines if number % 2 == 0 else engines[::-1]
        for engine in engines:
            engine.timeout = PATIENCE
            engine.ping()  # nobody's clock runs while an engine loads
        line = opening(options.opening_plies, options.seed + number // 2)
        end, left = play(seats, line, options.seconds, options.increment, number)
        ends[end] += 1
        least, moves = min([least, *left]), moves + len(left)
        print(
            f"game {number + 1}: {end} after {len(left)} moves, {min(left, default=0):.3f} s left at least", flush=True
        )
        if end == "crash":
            engines = [chess.engine.SimpleEngine.popen_uci(command, timeout=PATIENCE) for command in commands]
    for engine in engines:
        engine.quit()
    print(f"{options.games} games, {moves} moves, least time left {least:.3f} s")
    for end, count in ends.most_common():
        print(f"  {count:4} {end}")
    failures = {end: ends[end] for end in ("time loss", "illegal move", "crash", "missing move")}
    print(", ".join(f"{count} {end}" for end, count in failures.items()))
    return int(any(failures.values()))


if __name__ == "__main__":
    sys.exit(main())
