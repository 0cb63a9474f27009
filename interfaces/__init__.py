"""How people and programs reach a player.

session.py      a game in progress and the engine beside it: what every interface shares
opening.py      from the flags of play.py to a session: which game, which net, which mode
terminal.py     a person at the keyboard; commands.py is what they type after a slash, console.py the line they type on
analysis.py     what the engine thinks of every move, as one JSON object
gtp.py          the Go Text Protocol, version 2; clock.py is its time management
interrupt.py    Ctrl-C as "that is enough", and not as "leave"
"""
