"""The direct optimiser: a tree, the kernels that grow it, and one Search for every mode and game.

tree.py        the node record; selecting, expanding, backing up, proving and compacting, as compiled helpers
kernels.py     those helpers bound to one game's rules: play-out search, and batched gather and scatter for nets
noise.py       Dirichlet noise for the root's priors
evaluator.py   what a search asks of a net
position.py    a start state, actions and keys: what search, arena and interfaces share
modes.py       search, net, value, hybrid, auto: which prior, which leaf value
result.py      what every search returns, and how its move is chosen
search.py      Search: one position, any mode, resumable, tree kept between moves
"""
