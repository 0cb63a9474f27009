"""Play against the engine in the terminal, or let a program do so over GTP."""

import sys

from games.cli import Parser, run_main

EXAMPLES = """examples:
  python play.py                                     Connect Four against the net that ships
  python play.py tictactoe --mode search --side second
  python play.py --run runs/c4 --simulations 400     against the net of a training run
  python play.py connect4 --gtp --mode hybrid --seconds 0.5
In the game, /help lists the commands: /mode switches between search and net, /compare shows them side by side.
"""


def main(words: list[str]) -> int:
    """Parse the flags, open the session, hand it to the interface."""
    parser = Parser(prog="play.py", description=__doc__, epilog=EXAMPLES)
    parser.add_argument("game", nargs="?", metavar="GAME", help="a game or a game file (connect4, or the model's)")
    parser.add_argument(
        "--mode", metavar="M", help="search, net, value, hybrid, auto or exact, options after a colon (hybrid)"
    )
    net = parser.add_mutually_exclusive_group()
    net.add_argument("--run", metavar="DIR", help="play the newest net of a training run")
    net.add_argument("--model", metavar="FILE", help="play the net of a model file (the one that ships)")
    parser.add_argument("--simulations", metavar="N", help="simulations a move")
    parser.add_argument("--seconds", metavar="S", help="seconds a move (1)")
    parser.add_argument("--side", choices=("first", "second", "both"), default="first", help="yours (first)")
    parser.add_argument("--seed", metavar="K", help="repeats the engine's moves under --simulations (0)")
    parser.add_argument("--gtp", action="store_true", help="speak GTP on stdin and stdout")
    flags = parser.parse_args(words)

    # After the parser: what follows takes half a second to import, and --help and a mistyped flag should not.
    from interfaces.console import Console
    from interfaces.gtp import run_gtp
    from interfaces.opening import open_session
    from interfaces.terminal import Terminal

    options = {key: getattr(flags, key) for key in ("run", "model", "simulations", "seconds", "seed")}
    session, headline = open_session(flags.game, flags.mode, **options)
    if flags.gtp:
        print(headline, file=sys.stderr, flush=True)
        return run_gtp(session)
    return Terminal(session, flags.side, Console()).run(headline)


if __name__ == "__main__":
    run_main(main)
