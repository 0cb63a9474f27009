"""Train a net from nothing by self-play: python train.py [GAME] [--minutes N | --games N | --steps N] [--run DIR]."""

from games.cli import run_main


def main(words: list[str]) -> int:
    """Train on the words of the command line."""
    # Here, as the imports take a second and a Ctrl-C meanwhile should end in one line too.
    from selfplay.command import main as train

    return train(words)


if __name__ == "__main__":
    run_main(main)
