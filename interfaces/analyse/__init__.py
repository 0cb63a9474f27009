"""Analysis as KataGo's engine does it: JSON lines in and out, many queries at a time. In the order of dependence.

query.py      a line to a query, or to what is wrong with it
answer.py     what was found, by KataGo's names
jobs.py       the positions that wait, and who works on which
workers.py    the threads that search them: side by side where a net runs in batches, else each by itself
protocol.py   the conversation: lines in, lines out, actions, the end
"""
