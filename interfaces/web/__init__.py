"""The page in a browser: what play.py --web serves on this machine alone. In the order of dependence.

views.py    positions, candidate moves and comparisons as objects that JSON holds
table.py    the game that every tab sees, and what may be done with it; thinker.py is the thread of the engine
server.py   HTTP: the page's files, the state as it changes, commands; what is refused, and why
page/       the page itself: HTML, CSS and JavaScript as they are, with nothing to build
"""
