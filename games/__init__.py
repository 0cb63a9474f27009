"""Board games as plain Python files, and what turns such a file into compiled rules.

tictactoe.py connect4.py othello.py gomoku.py hex.py breakthrough.py
                           the games: constants and small functions on a record
contract.py                what a game file must and may define; the Game object
loader.py sources.py       load("connect4:rows=7"), load("path/to/mygame.py"); the files that a game is made of
compiler.py                kernels: one body, compiled and cached per game
rules.py                   the rules of a game as compiled functions over arrays of states
check.py                   python -m games.check FILE: the conformance kit
bits.py rng.py             bit tricks and a random generator that run both compiled and plain
errors.py files.py         the one user-facing exception; atomic file writes
cli.py notice.py           what every command shares; the line that says why a first start takes long
processes.py               what every program of several processes needs
"""
