"""Whoever can choose a move: our modes, a random mover, programs that speak GTP. Listed in the order of dependence.

spec        PlayerSpec: a player as one string, parsed and refused without torch
player      Player, Choice, make_player; our modes and the random mover
evaluators  nets for players, each file loaded once
gtp_client  an external GTP engine as a player
match       random openings, one game, one pair of games with colours swapped
elo         Elo difference with its interval from pair scores
"""
