"""Train a net from nothing by self-play: python train.py [GAME] [--minutes N | --games N | --steps N] [--run DIR]."""

from games.cli import run_main
from selfplay.command import main

if __name__ == "__main__":
    run_main(main)
