"""Measure direct against amortised optimisation: python study.py [GAME] [--run DIR] [--minutes N] [--out DIR]."""

from games.cli import run_main


def main(words: list[str]) -> int:
    """Study on the words of the command line."""
    # Here, as the imports take a second and a Ctrl-C meanwhile should end in one line too.
    from studies.command import main as study

    return study(words)


if __name__ == "__main__":
    run_main(main)
