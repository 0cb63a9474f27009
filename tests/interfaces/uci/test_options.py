"""What setoption takes and refuses, without Numba."""

import subprocess
import sys

import pytest

from games.compiler import ROOT
from games.errors import TandemError
from interfaces.uci.options import OPTIONS, Options


@pytest.mark.parametrize(
    ("text", "name", "value"),
    [
        ("name Hash value 64", "Hash", "64"),
        ("name hash value 0064", "Hash", "64"),
        ("  name   Move   Overhead   value   100 ", "Move Overhead", "100"),
        ("name MultiPV value +3", "MultiPV", "3"),
        ("name UCI_ShowWDL value TRUE", "UCI_ShowWDL", "true"),
        ("name SyzygyPath value /a b/c  d:/value", "SyzygyPath", "/a b/c  d:/value"),
        ("name SyzygyPath value <empty>", "SyzygyPath", ""),
        ("name SyzygyPath value", "SyzygyPath", ""),
        ("name SyzygyPath", "SyzygyPath", ""),
        ("name Mode value Search", "Mode", "search"),
        ("name Model value nets/a.safetensors", "Model", "nets/a.safetensors"),
    ],
)
def test_set(text: str, name: str, value: str) -> None:
    options = Options({})
    assert options.set(text) == name
    assert options.text(name) == value


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("name Hash value 0", "Hash must be a whole number from 1 to 65536, not '0'"),
        ("name Hash value 65537", "from 1 to 65536"),
        ("name Hash value -5", "from 1 to 65536"),
        ("name Hash value 1e3", "from 1 to 65536"),
        ("name Hash value ٣", "from 1 to 65536"),
        ("name Hash value " + "9" * 5000, "from 1 to 65536"),
        ("name Hash", "from 1 to 65536, not ''"),
        ("name Threads value 257", "Threads must be a whole number from 1 to 256"),
        ("name MultiPV value 219", "from 1 to 218"),
        ("name Move Overhead value 5001", "from 0 to 5000"),
        ("name UCI_ShowWDL value maybe", "UCI_ShowWDL must be one of true, false, not 'maybe'"),
        ("name Mode value exact", "Mode must be one of best, search, net, value, hybrid, auto, not 'exact'"),
        ("name Skill value 3", "no option 'Skill': there are Hash, Threads"),
        ("Hash 3", "write setoption name NAME value VALUE"),
        ("name", "write setoption name NAME value VALUE"),
        ("", "write setoption name NAME value VALUE"),
    ],
)
def test_refused(text: str, words: str) -> None:
    options = Options({})
    before = [options.text(option.name) for option in OPTIONS]
    with pytest.raises(TandemError) as caught:
        options.set(text)
    assert words in str(caught.value)
    assert [options.text(option.name) for option in OPTIONS] == before


def test_the_command_line_gives_defaults() -> None:
    options = Options({"Simulations": "40"})
    assert options.number("Simulations") == 40
    assert "option name Simulations type spin default 40 min 0 max 2147483647" in options.lines
    with pytest.raises(TandemError, match="Simulations must be"):
        Options({"Simulations": "many"})


def test_uci_is_answered_before_numba_is_imported() -> None:
    code = (
        "import sys\n"
        "from interfaces.uci.protocol import Uci\n"
        "lines = []\n"
        "flags = dict.fromkeys(('mode', 'run', 'model', 'simulations', 'seconds', 'seed'))\n"
        "Uci(flags, lines.append).hear('uci')\n"
        "assert lines[-1] == 'uciok' and lines[0].startswith('id name Tandem'), lines\n"
        "print([name for name in ('numba', 'numpy', 'torch', 'chess') if name in sys.modules])\n"
    )
    found = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (found.stdout, found.stderr) == ("[]\n", "")
