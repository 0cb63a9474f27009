"""The command tandem-uci: python play.py chess --uci from whatever folder, as chess programs start their engines.

Installing Tandem makes the command, which knows its clone by where this file lies; flags are those of play.py.
"""

import sys
from pathlib import Path
from typing import NoReturn

ROOT = Path(__file__).resolve().parent


def main() -> NoReturn:
    """Run play.py of the clone that this file belongs to."""
    if not (ROOT / "play.py").is_file():
        sys.exit("error: tandem-uci runs from a clone of Tandem: install it there with pip install -e .")
    sys.path.insert(0, str(ROOT))
    from games.cli import run_main
    from play import main as play

    run_main(lambda words: play(["chess", "--uci", *words]))


if __name__ == "__main__":
    main()
