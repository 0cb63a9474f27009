"""Imports go one way, and playing without a net needs no torch."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def run(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *words], cwd=ROOT, capture_output=True, text=True, timeout=120)


def test_imports_go_one_way() -> None:
    found = run("-c", "from importlinter.cli import lint_imports_command; lint_imports_command()")
    assert found.returncode == 0, found.stdout
    assert "imports go one way KEPT" in found.stdout


def test_search_needs_no_torch() -> None:
    code = (
        "import sys\n"
        "from engine.position import Position\n"
        "from engine.search import Search\nfrom engine.settings import Settings\n"
        "from games.loader import load\n"
        "game = load('tictactoe')\n"
        "print(Search(game, Settings('search')).run(Position(game), simulations=50).move)\n"
        "assert 'torch' not in sys.modules\n"
    )
    found = run("-c", code)
    assert found.returncode == 0, found.stderr


def test_playing_a_perceptron_needs_no_torch() -> None:
    """By every way to play one game: a session, a player, a match, the truth."""
    code = (
        "import sys\n"
        "import selfplay.arena, selfplay.truth\n"
        "from engine.position import Position\n"
        "from games.loader import load\n"
        "from interfaces.gtp import Gtp\n"
        "from interfaces.opening import open_session\n"
        "from players.player import make_player\n"
        "game = load('tictactoe')\n"
        "gtp = Gtp(open_session('tictactoe', 'hybrid', simulations='20')[0])\n"
        "for mode in ('net', 'value', 'hybrid', 'auto', 'search'):\n"
        "    assert gtp.answer(f'tandem-mode {mode}')[0] == '='\n"
        "    assert gtp.answer('genmove ' + 'bw'[gtp.session.position.ply % 2])[0] == '='\n"
        "    make_player(game, f'{mode}:simulations=20,threads=2').choose(Position(game))\n"
        "selfplay.arena.play_match(game, 'hybrid:simulations=5', 'random', 2, workers=1)\n"
        "selfplay.truth.main(['tictactoe', 'net'])\n"
        "assert 'torch' not in sys.modules\n"
    )
    found = run("-c", code)
    assert found.returncode == 0, found.stderr


def test_training_in_threads_never_imports_ray(tmp_path: Path) -> None:
    code = (
        "import sys\n"
        "from selfplay.command import main\n"
        "words = ['tictactoe', '--executor', 'threads', '--net', 'mlp:16', '--games', '20']\n"
        f"main([*words, '--run', {str(tmp_path / 'r')!r}])\n"
        "assert 'selfplay.executors' in sys.modules and 'ray' not in sys.modules\n"
    )
    found = run("-c", code)
    assert found.returncode == 0, found.stderr


def test_nothing_lands_in_site_packages() -> None:
    found = run("-c", "import tomllib; print(tomllib.load(open('pyproject.toml', 'rb'))['tool']['setuptools'])")
    assert found.stdout.strip() == "{'packages': [], 'py-modules': ['tandem_uci']}"
