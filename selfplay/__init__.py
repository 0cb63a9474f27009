"""The loop in which search and net bootstrap each other. Listed in the order of dependence.

records.py   finished games as columns
shards.py    the bytes of a batch of games
store.py     the games of a run on disk: immutable shards, one writer
ladder.py    which weights-only checkpoints to keep
rundir.py    the folder of a run: config, lock, log, checkpoints, ladder
config.py    every setting of a run; presets/GAME.toml
opening.py   how a game begins: random moves
moves.py     the kernel between two evaluations: moves made, rows logged, games ended and begun
actor.py     a group of games in lockstep, one batched evaluation for all at a time
replay.py    a window of the newest positions, sampled under random symmetries
trainer.py   losses, optimiser, the averaged weights that get played
labels.py    positions with exact values: from a file, or by brute force for a small game
intervals.py 95 % intervals of shares and of their differences
pool.py      tasks spread over processes
proofs.py    exact search inside self-play
executors.py where actors run: threads or processes
strength.py  live strength while a run trains
loop.py      rounds of self-play and learning side by side; saving and resuming
ppo.py       learning without search: proximal policy optimisation in self-play
plan.py      what a budget buys on this machine
command.py   the command line of train.py
arena.py     python -m selfplay.arena: two players against each other
label.py     python -m selfplay.label: labelled positions, made by our own solver
early.py     python -m selfplay.early: a table of early positions for the solver
answers.py   players answer positions, on all cores
overlap.py   which labelled positions a run was trained on
truth.py     python -m selfplay.truth: players against known truth
"""
