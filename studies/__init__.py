"""Experiments on the two ways to choose a move, computed now by search or read off a trained net, and on both together.

In the order of dependence:

finding.py              what an experiment reports: an answer in words, charts, tables, every number
statistics.py           the bootstrap, and where a curve reaches a level or crosses another
lab.py                  what experiments measure with: known positions, nets, a clock, answers and matches that are kept
breakdown.py            accuracy by plies played, and above chance
ratings.py              Elo of several players on one scale, over seeds
training.py             nets that a study trains itself by train.py
offline.py              nets that it teaches from games that are there already
four_cells.py           does search help in training, when a move is chosen, or both?
cost.py                 what does a move cost at each accuracy, and when has training paid?
decision_scaling.py     what does more thinking buy, with and without a net, after little and much training?
training_scaling.py     what does more training buy, and for how much more search does it stand?
convergence.py          does search come to play perfectly, how fast, and what do proofs add?
net_convergence.py      does the net come to the truth, or to its data, flaws and all?
net_helps_search.py     which half of the net helps search: its priors or its values?
search_helps_net.py     does search know better than the net that guides it?
data.py                 how much data does the net need, and what does making it cost?
out_of_distribution.py  how do the modes fare in positions unlike those that the net learnt from?
objective.py            who follows when the objective changes, and who when the data are wrong?
domain_size.py          how large a board is solved outright, and how do the modes fare as boards grow?
planning.py             does choosing when to think pay?
matches.py              how do the modes score against each other, where no position's value is known?
page.py                 all findings as one page, made of the parts in selfplay/report/
command.py              the command line of study.py
"""
