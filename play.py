"""Play against the engine in the terminal or on a page, or let a program do so over GTP, UCI or JSON lines."""

import sys
from pathlib import Path

from games.cli import Parser, run_main
from games.errors import TandemError

EXAMPLES = """examples:
  python play.py                                     Connect Four against the net that ships
  python play.py chess --level 3
  python play.py othello --side none                 watch the engine play both sides
  python play.py --run runs/c4 --simulations 400     against the net of a training run
  python play.py chess --uci                         as tandem-uci does, from any folder
In the game, /help lists the commands: /mode switches between search and net, /compare shows them side by side.
"""


def main(words: list[str]) -> int:
    """Parse the flags, open the session, hand it to the interface."""
    parser = Parser(prog="play.py", usage="play.py [GAME] [flags]", description=__doc__, epilog=EXAMPLES)
    parser.add_argument("game", nargs="?", metavar="GAME", help="a game or a game file (connect4, or the model's)")
    engine = parser.add_argument_group("engine")
    engine.add_argument(
        "--mode", metavar="M", help="search, net, value, hybrid (default), auto or exact; M:key=value,.."
    )
    net = engine.add_mutually_exclusive_group()
    net.add_argument("--run", metavar="DIR", help="play the newest net of a training run")
    net.add_argument("--model", metavar="FILE", help="play the net of a model file (the one that ships)")
    engine.add_argument("--simulations", metavar="N", help="simulations a move")
    engine.add_argument("--seconds", metavar="S", help="seconds a move (1)")
    engine.add_argument("--level", metavar="N", help="play at a level from 1 to 10, in place of mode and budget")
    engine.add_argument("--seed", metavar="K", help="repeats the engine's moves under --simulations (0)")
    person = parser.add_argument_group("at the terminal")
    person.add_argument(
        "--side", choices=("first", "second", "both", "none"), default="first", metavar="SIDE",
        help="yours: first (default), second, both, or none to watch"
    )  # fmt: skip
    person.add_argument("--position", "--fen", metavar="TEXT", help="begin there: a FEN, or what /position prints")
    person.add_argument("--record", metavar="FILE", help="add the games to FILE: .pgn, .sgf or .txt (docs/records.md)")
    person.add_argument("--ascii", action="store_true", help="boards and bars in ASCII")
    person.add_argument("--web", action="store_true", help="serve a page to play on, on this machine alone")
    person.add_argument("--port", metavar="N", help="of --web (8000, or the next one that is free)")
    programs = parser.add_argument_group("for programs, on stdin and stdout")
    programs.add_argument("--gtp", action="store_true", help="speak GTP")
    programs.add_argument("--uci", action="store_true", help="speak UCI, for chess programs")
    programs.add_argument("--analyse", action="store_true", help="answer queries as JSON lines (docs/protocols.md)")
    flags = parser.parse_args(words)
    for_program = flags.gtp or flags.uci or flags.analyse
    if flags.analyse and (flags.gtp or flags.uci or flags.record is not None):
        raise TandemError("--analyse goes with none of --gtp, --uci and --record")
    if for_program and flags.position is not None:
        raise TandemError("--position is for the terminal: a program says itself what is played from where")
    if flags.web and for_program:
        raise TandemError("--web is for people: it goes with none of --gtp, --uci and --analyse")
    if flags.port is not None and not flags.web:
        raise TandemError("--port is that of --web: give both")
    if for_program and flags.level is not None:
        raise TandemError("--level is for people: a program asks for --mode and --simulations or --seconds")
    options = {key: getattr(flags, key) for key in ("run", "model", "simulations", "seconds", "seed")}
    if flags.uci:
        if flags.game not in (None, "chess") or flags.gtp or flags.record is not None:
            raise TandemError("--uci plays chess, and takes neither --gtp nor --record: python play.py chess --uci")
        from interfaces.uci.protocol import run_uci

        return run_uci({"mode": flags.mode, **options})

    # After the parser: what follows takes half a second to import, and --help and a mistyped flag should not.
    from interfaces.console import Console
    from interfaces.gtp import run_gtp
    from interfaces.opening import open_session
    from interfaces.recorder import Recorder
    from interfaces.terminal import Terminal
    from players.player import DEFAULT_SIMULATIONS

    default = DEFAULT_SIMULATIONS if flags.analyse else None
    session, headline = open_session(flags.game, flags.mode, level=flags.level, default_simulations=default, **options)
    if flags.analyse:
        from interfaces.analyse.protocol import run_analyse

        print(headline, file=sys.stderr, flush=True)
        return run_analyse(session)
    recorder = Recorder(session.game, Path(flags.record)) if flags.record is not None else None
    if flags.gtp:
        print(headline, file=sys.stderr, flush=True)
        return run_gtp(session, recorder)
    if flags.web:
        from interfaces.web.server import run_web
        from interfaces.web.table import Table

        return run_web(Table(session, headline, flags.side, recorder), flags.position, flags.port)
    terminal = Terminal(session, flags.side, Console(ascii_only=flags.ascii), recorder)
    if flags.position is not None:
        terminal.begin_at(flags.position)
    return terminal.run(headline)


if __name__ == "__main__":
    run_main(main)
