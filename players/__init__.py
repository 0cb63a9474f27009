"""Whoever can choose a move: our modes, a random mover, programs of others. In the order of dependence.

spec.py        PlayerSpec: a player as one string, read and refused without torch
choice.py      Player, Choice, Forfeit: what every player is
evaluators.py  nets for players, each file loaded once
process.py     an external engine, spoken to by lines
gtp_client.py  an external GTP engine as a player
uci_client.py  an external UCI engine as a player, for games whose moves it writes
player.py      make_player; our modes, the solver and the random mover
ready.py       refusing and compiling players before several processes run them
match.py       random openings, one game, one pair of games with colours swapped
elo.py         Elo difference and its interval from pair scores
ratings.py     Elo of several players from the matches between them
report.py      the figures of a match, for people and for scripts
"""
