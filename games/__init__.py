"""Board games as plain Python files, and what turns such a file into compiled rules. In the order of dependence.

errors.py files.py         the one user-facing exception; atomic file writes
cli.py                     what every command shares
echo.py notice.py          what is typed while a program thinks; the line that says why a first start takes long
processes.py nodecache.py  what every program of several processes needs; where the nodes of a cluster keep kernels
bits.py rng.py             bit tricks and a random generator that run both compiled and plain
grid.py                    boards as games describe them to be drawn
contract.py defaults.py    what a game file must and may define, the Game object; what it may leave out
tictactoe.py connect4.py othello.py gomoku.py hex.py breakthrough.py
                           the games: constants and small functions on a record
chess.py                   chess, with chess_tables.py, chess_moves.py, chess_mates.py and chess_text.py (by
                           python-chess); values without a net are chess_value.py's, what nets read chess_features.py's
                           and chess_exchange.py's, what they say of moves chess_policy.py's
compiler.py sources.py     kernels: one body, compiled and cached per game; the files that a game is made of
rules.py                   the rules of a game as compiled functions over arrays of states
trial.py typed.py          a file of one's own as it is loaded: a moment of random games; what Numba makes of it
loader.py                  load("connect4:rows=7"), load("path/to/mygame.py")
pgn.py sgf.py movelist.py  games as text: chess's format, the Smart Game Format, and one game a line
check.py conformance.py    python -m games.check FILE: the conformance kit; what it looks at
"""
