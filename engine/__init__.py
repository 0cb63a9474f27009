"""The direct optimiser: a tree, the kernels that grow it, and one Search for every mode. In the order of dependence.

settings.py    how to search, and for how long at most
modes.py       search, net, value, hybrid, auto: which prior, which leaf value; and the solver's name beside them
position.py    a start state, actions and keys: what search, arena and interfaces share
gamefile.py    games in files, played through by the rules
tree.py        the node record; selecting, expanding, backing up and proving, as compiled helpers
options.py     what settings come to in one mode of one game, as kernels read it
compaction.py  what is kept of a tree: under the move played, or the most visited part of a full one
gumbel.py      brackets at the root: sequential halving, and the improved policy that it teaches
noise.py       Dirichlet noise for the root's priors
evaluator.py   what a search asks of a net
evalcache.py   what a net said, kept by position
alphabeta.py   alpha-beta over a game's rules, resumable, as a kernel
leafproofs.py  exact search of a root and of the leaves of a tree, before the net is asked
kernels.py     those helpers bound to one game's rules: play-out search, and batched gather and scatter for nets
perceptron.py  a kernel net: a ReLU perceptron that kernels evaluate, from plain arrays
netplan.py     whole simulations guided by a kernel net, as one kernel
arrays.py      the memory of one tree
result.py      what every search returns, and how its move is chosen
answer.py      what a search's trees come to: its result, and a report of each move
search.py      Search: one position, any mode, resumable, tree kept between moves
lockstep.py    many positions side by side, one evaluation for all of them at a time
early.py       early positions that were solved ahead
exact.py       Exact: positions solved, as far as a budget goes
"""
