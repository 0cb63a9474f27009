"""How people and programs reach a player. In the order of dependence.

interrupt.py    Ctrl-C as "that is enough", and not as "leave"
recorder.py     games written to a file as they are played
tablebase.py    Syzygy endgame tables for chess, at the root; syzygy/ has those of three men
seats.py        who plays which side: whose turn it is, what a person takes back, who has won
levels.py       what levels 1 to 10 mean
session.py      a game in progress and the engine beside it: what every interface shares
opening.py      from the flags of play.py to a session: which game, which net, which mode
analysis.py     what the engine thinks of every move, as one JSON object
board.py        a game's drawing with the last move and the winning line marked, figures and colours
tables.py       values as bars, candidate moves and comparisons as tables for any width
console.py      the line that people type on, and what is shown above it
coach.py        what would have been better, after a weak move
thinking.py     /analyse: the candidate moves while the search goes on; comparison.py is /compare
terminal.py     a person at the keyboard; commands.py is what they type after a slash
web/            a page in the browser, of this machine alone
gtp.py          the Go Text Protocol, version 2; clock.py is its time management
analyse/        KataGo's analysis engine: JSON lines, many positions at a time
uci/            the Universal Chess Interface
"""
