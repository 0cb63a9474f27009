"""A UCI engine for tests: plays the first free cell of tic-tac-toe, and fails the way its first argument says."""

import sys
from pathlib import Path

fault, log = sys.argv[1], Path(sys.argv[2])
taken = []
for line in sys.stdin:
    with log.open("a") as file:
        file.write(line)
    words = line.split()
    if words == ["quit"]:
        break
    if words == ["uci"]:
        games = "chess" if fault == "other games" else "chess var tictactoe var connect4 var shogi"
        print(f"id name fake\noption name Hash type spin\noption name UCI_Variant type combo default chess var {games}")
        print("uciok", flush=True)
    elif words == ["isready"]:
        print("readyok", flush=True)
    elif words[:1] == ["position"]:
        taken = words[3:]
    elif words[:1] == ["go"]:
        if fault == "dies":
            sys.exit("out of memory")
        print("info depth 1 score cp 0")
        free = [c + r for c in "abc" for r in "123" if c + r not in taken]
        print(f"bestmove {taken[0] if fault == 'illegal' else free[0]} ponder z9", flush=True)
