"""The one exception that users see: a line that says what was wrong and what would be right."""


class TandemError(ValueError):
    """Bad input or a refused file. Entry points print its text as one line and exit with code 2."""
