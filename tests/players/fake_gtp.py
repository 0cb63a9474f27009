"""A GTP engine for tests: plays the first legal Connect Four column, and fails the way its first argument says."""

import sys
import time
from pathlib import Path

fault, log = sys.argv[1], Path(sys.argv[2])
columns = 7
moves = []
genmoves = 0


def answer(text, mark="="):
    print(f"{mark} {text}\n", flush=True)


print("chatter before the first answer", flush=True)
if fault == "dead at start":
    sys.exit("no weights found")
for line in sys.stdin:
    with log.open("a") as file:
        file.write(line)
    name, *words = line.split()
    if name == "quit":
        answer("")
        break
    elif name == "clear_board":
        moves.clear()
        answer("")
    elif name == "play":
        if fault == "refuses play" or (fault == "knows no pass" and words[1] == "pass"):
            answer("illegal move", "?")
        else:
            moves.append(words[1])
            answer("")
    elif name == "undo" and fault != "no undo":
        moves.pop()
        answer("")
    elif name == "genmove":
        genmoves += 1
        late = genmoves == 2
        if fault == "dies" and late:
            sys.exit("out of memory")
        if fault == "silent" and late:
            time.sleep(600)
        if fault == "illegal" and late:
            answer("9")
        elif fault == "full column":
            answer("1")
        elif fault in ("resign", "pass"):
            answer(fault)
        elif fault == "question":
            answer("cannot think", "?")
        else:
            move = next(str(c) for c in range(1, columns + 1) if moves.count(str(c)) < 6)
            moves.append(move)
            # Without the space, and on two lines' worth of noise: both are seen in the wild.
            print(f"={move}\r\n\r", flush=True)
    else:
        answer("unknown command", "?")
