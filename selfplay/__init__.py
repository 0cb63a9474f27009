"""The loop in which search and net bootstrap each other. In the order of dependence.

records.py   finished games as columns
reading.py   games of files as records of a run
shards.py    the bytes of a batch of games
store.py     the games of a run on disk: immutable shards, one writer
sealed.py    JSON objects that carry a hash of themselves
ladder.py    which weights-only checkpoints to keep
rundir.py    the folder of a run: config, lock, log, checkpoints, ladder
config.py    every setting of a run; presets/GAME.toml
budget.py    what a run is asked for, and how much of it is done
board.py     a run's figures for TensorBoard
opening.py   how a game begins: random moves
moves.py     the kernel between two evaluations: moves made, rows logged, games ended and begun
proofs.py    exact search inside self-play
actor.py     a group of games in lockstep, one batched evaluation for all at a time
teacher.py   any player in an actor's place: it plays both sides and labels every position
gamestats.py lengths, draws, first player's score and unique openings of games
replay.py    a window of the newest positions, sampled under random symmetries
divergence.py
             when training has gone wrong: numbers that are not finite, or a loss that nobody who learns has
trainer.py   losses, optimiser, the averaged weights that get played
pace.py      how many steps and plies a round has, that it may not last long
labels.py    positions with exact values: from a file, or by brute force for a small game
intervals.py 95 % intervals of shares and of their differences
pool.py      tasks spread over processes
numbers.py   which actor plays which game: leased, delivered once, leased again when lost
joining.py   what can be said of a Ray cluster before Ray is imported
executors.py where actors run: here, one after the other, in threads or in processes, or on a cluster
cluster.py   the executor over a Ray cluster; node.py is what runs on its nodes
strength.py  live strength while a run trains
clock.py     where a run's time goes
loop.py      rounds of self-play and learning side by side; holdings.py is what a run holds, saves and resumes
ppo.py       learning without search: proximal policy optimisation in self-play
plan.py      what a budget buys on this machine
command.py   the command line of train.py
arena.py     python -m selfplay.arena: two players against each other
label.py     python -m selfplay.label: labelled positions, made by our own solver
early.py     python -m selfplay.early: a table of early positions for the solver
answers.py   players answer positions, on all cores
overlap.py   which labelled positions a run was trained on
truth.py     python -m selfplay.truth: players against known truth
runcheck.py  every kind of file in a run, and what is wrong with one
export.py    a run's games as text
runs.py      python -m selfplay.runs: what runs hold, their health, verified and exported
report/      python -m selfplay.report: a run as one page
"""
