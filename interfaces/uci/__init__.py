"""The Universal Chess Interface: Tandem as the engine behind a chess program. In the order of dependence.

options.py    what `setoption` may say, with defaults and ranges; without Numba, as `uciok` must come within a second
limits.py     what `go` asks for, and the time that a move gets; without Numba, too
board.py      the position that the program sets
perft.py      leaves counted move by move
report.py     what the search knows as `info` lines
thinking.py   one search, from `go` to the move
protocol.py   the conversation: one thread that reads, one that works
"""
