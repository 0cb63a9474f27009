"""GTP between processes: two engines play a game, and the first answers come before torch."""

import subprocess
import time

import pytest

from tests.interfaces.helpers import PATIENCE, command, run_play, tiny_net


class Engine:
    """One play.py --gtp."""

    def __init__(self, *flags: object) -> None:
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(command(*flags, "--gtp"), stdin=pipe, stdout=pipe, stderr=pipe, text=True)

    def ask(self, line: str) -> str:
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        lines = []
        while (part := self.process.stdout.readline()) not in ("\n", ""):
            lines.append(part)
        return "".join(lines)

    def close(self) -> tuple[int, str]:
        """Say quit; the exit code and what came on stderr."""
        self.ask("quit")
        _, errors = self.process.communicate(timeout=PATIENCE)
        return self.process.returncode, errors


def test_two_engines_play_a_game_to_its_end():
    engines = [Engine("tictactoe", "--mode", "search", "--simulations", 500, "--seed", seed) for seed in (1, 2)]
    moves = []
    while engines[0].ask("final_score") == "? cannot score\n":
        turn = len(moves) % 2
        move = engines[turn].ask(f"genmove {'bw'[turn]}").removeprefix("= ").strip()
        assert engines[1 - turn].ask(f"play {'bw'[turn]} {move}") == "=\n"
        moves.append(move)
    # Both see the whole game tree soon enough, and then nobody wins.
    assert [engine.ask("final_score") for engine in engines] == ["= 0\n"] * 2
    assert len(set(moves)) == len(moves) == 9
    assert engines[0].ask("showboard") == engines[1].ask("showboard")
    assert [engine.close()[0] for engine in engines] == [0, 0]


@pytest.mark.parametrize("typed", ["name\n", "name", "\n# only\nname\n\n", "name\r\nquit\r\nname\r\n"])
def test_the_end_of_the_input_ends_the_program(typed):
    done = run_play("tictactoe", "--mode", "search", "--gtp", typed=typed)
    assert (done.code, done.out.split()[:2]) == (0, ["=", "Tandem"])
    assert done.out.count("Tandem") == 1


def test_bytes_that_are_no_text_are_answered():
    done = run_play("tictactoe", "--mode", "search", "--gtp", typed=b"play b \xff\xfe\nna\xffme\n9 name\n")
    assert done.out == "? illegal move\n\n? unknown command\n\n=9 Tandem\n\n"
    assert done.code == 0


def test_a_net_mode_answers_at_once_and_loads_the_net_for_the_first_move(tmp_path):
    model = tiny_net(tmp_path / "net.safetensors")
    run_play("tictactoe", "--model", model, "--gtp", typed="genmove b\n")  # compiles what is not in the cache yet
    began = time.monotonic()
    engine = Engine("tictactoe", "--model", model, "--simulations", 20)
    assert engine.ask("protocol_version") == "= 2\n"
    assert time.monotonic() - began < 15  # a busy machine included
    for mode in ("search", "net", "value", "hybrid", "auto"):
        assert engine.ask(f"tandem-mode {mode}") == "=\n"
        assert engine.ask("tandem-mode") == f"= {mode}\n"
        assert engine.ask(f"genmove {'b' if mode in ('search', 'value', 'auto') else 'w'}").startswith("= ")
    code, errors = engine.close()
    assert code == 0
    assert [line.partition(",")[0] for line in errors.splitlines() if "compiling" not in line] == ["tictactoe"]
    assert "mlp:16" in errors
