"""python -m selfplay.report."""

from games.cli import run_main
from selfplay.report.command import main

if __name__ == "__main__":
    run_main(main)
