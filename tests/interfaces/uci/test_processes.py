"""The engine as a process: through pipes, from another folder, and played by python-chess."""

import contextlib
import subprocess
import sys

import chess
import chess.engine
import pytest

from benchmarks.uci_match import opening, play
from games.compiler import ROOT
from tests.interfaces.helpers import run_play
from tests.interfaces.uci.helpers import PATIENCE

COMMAND = [sys.executable, str(ROOT / "tandem_uci.py")]


@pytest.fixture(scope="module", autouse=True)
def compiled():
    """Kernels are on the disk: the first start of all compiles for a minute, which `quit` does not wait for."""
    with subprocess.Popen(COMMAND, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1) as engine:
        engine.stdin.write("isready\n")
        assert engine.stdout.readline() == "readyok\n"
        engine.stdin.write("quit\n")


def run(typed: str, *flags: str, folder=ROOT) -> subprocess.CompletedProcess:
    return subprocess.run(
        [*COMMAND, *flags], input=typed, cwd=folder, capture_output=True, text=True, timeout=PATIENCE, check=False
    )


@pytest.mark.parametrize("end", ["quit\n", ""])
def test_the_end_of_the_input_ends_the_search_and_the_program(end, tmp_path):
    done = run(f"uci\nisready\nposition startpos moves e2e4\ngo infinite\n{end}", folder=tmp_path)
    lines = done.stdout.splitlines()
    assert done.returncode == 0
    assert lines.index("uciok") < lines.index("readyok")
    board = chess.Board()
    board.push_uci("e2e4")
    assert chess.Move.from_uci(lines[-1].split()[1]) in board.legal_moves
    assert list(tmp_path.iterdir()) == []


def test_a_command_line_that_cannot_be_had_is_one_line():
    done = run("uci\nisready\n", "--model", "/no/such.safetensors")
    assert done.returncode == 2
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    "flags", [("connect4", "--uci"), ("chess", "--uci", "--gtp"), ("chess", "--uci", "--record", "games.txt")]
)
def test_flags_that_go_not_together(flags):
    done = run_play(*flags)
    assert (done.code, done.out) == (2, "")
    assert done.errors == "error: --uci plays chess, and takes neither --gtp nor --record: python play.py chess --uci\n"


def test_bytes_that_are_no_text():
    done = run_play("--uci", typed=b"\xff\xfe\x00 uci\nisready \xff\nposition \xff\ngo nodes 5\n\xffquit\nquit\n")
    assert done.code == 0
    assert "uciok" in done.out
    assert "readyok" in done.out
    assert "bestmove " in done.out


@pytest.mark.slow
def test_games_and_analysis_through_python_chess():
    with contextlib.ExitStack() as stack:  # an engine that is left over would keep this process from ending
        engines = [
            stack.enter_context(chess.engine.SimpleEngine.popen_uci(COMMAND, timeout=PATIENCE)) for _ in range(2)
        ]
        for engine in engines:
            engine.timeout = PATIENCE
            engine.ping()
        natural = {"checkmate", "stalemate", "insufficient material", "fifty moves", "threefold repetition"}
        for seed in range(2):
            end, left = play(engines, opening(6, seed), 1.0, 0.1, seed)
            assert end in natural
            assert min(left) > 0
        engine = engines[0]
        engine.configure({"Hash": 32})
        found = engine.analyse(chess.Board(), chess.engine.Limit(time=0.3), multipv=3, info=chess.engine.INFO_ALL)
        assert len(found) == 3
        assert all(line["pv"][0] in chess.Board().legal_moves and "score" in line for line in found)
        with engine.analysis(chess.Board()) as analysis:
            first = next(iter(analysis))
            assert first["depth"] >= 1
            analysis.stop()
            assert analysis.wait().move in chess.Board().legal_moves
        mate = chess.Board("6k1/5ppp/8/8/8/8/5PPP/R5K1 w - - 0 1")
        assert engine.play(mate, chess.engine.Limit(nodes=300), ponder=True).move == chess.Move.from_uci("a1a8")
        only = engine.play(chess.Board(), chess.engine.Limit(nodes=300), root_moves=[chess.Move.from_uci("h2h4")])
        assert only.move == chess.Move.from_uci("h2h4")
