import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.modes import MODES, PRIORS, VALUES
from engine.settings import ROOTS
from games.errors import TandemError
from players.spec import BACKENDS, KEYS, PlayerSpec, parse_spec

POSITIVE = st.floats(1e-300, 1000)
OPTIONS = {
    "simulations": st.integers(1, 2**31 - 1),
    "seconds": POSITIVE,
    "seed": st.integers(0, 2**64 - 1),
    "temperature": st.floats(0, 1e300),
    "threads": st.integers(1, 256),
    "memory": st.integers(1, 2**20),
    "threshold": st.floats(0, 1),
    "c_puct": POSITIVE,
    "fpu_reduction": st.floats(-2, 2),
    "leaves": st.integers(1, 4096),
    "draw_value": st.floats(-1, 1),
    "root": st.sampled_from(ROOTS),
    "considered": st.integers(1, 2**31 - 1),
    "value_scale": POSITIVE,
    "value_pruning": st.floats(0, 2),
    "images": st.integers(1, 100),
    "proof_nodes": st.integers(0, 10**6),
    "prior": st.sampled_from(PRIORS),
    "backend": st.sampled_from(BACKENDS),
    "value": st.sampled_from(VALUES),
    "model": st.sampled_from(
        ["net.safetensors", "models/connect4-columns=8.safetensors", "C:\\my nets\\a.safetensors"]
    ),
}
ENGINES = st.builds(
    lambda kind, options: PlayerSpec(kind, **options),
    st.sampled_from(list(MODES)),
    st.fixed_dictionaries({}, optional=OPTIONS),
)
RANDOMS = st.builds(lambda seed: PlayerSpec("random", seed=seed), st.none() | OPTIONS["seed"])
SOLVERS = st.builds(
    lambda options: PlayerSpec("exact", **options),
    st.fixed_dictionaries({}, optional={name: OPTIONS[name] for name in ("seconds", "seed")}),
)
COMMANDS = st.sampled_from(["gnugo --mode gtp", "python play.py connect4:rows=7 --gtp", "'my engine' a,b=c:d"])
GTPS = st.builds(lambda command: PlayerSpec("gtp", command=command), COMMANDS)


def test_every_option_is_tried() -> None:
    assert set(OPTIONS) == set(KEYS)


@given(ENGINES | SOLVERS | RANDOMS | GTPS)
def test_spec_survives_its_string(spec: PlayerSpec) -> None:
    assert parse_spec(str(spec)) == spec


def test_spec_is_read() -> None:
    spec = parse_spec(" hybrid: simulations=200 ,seconds=2,model=a=b.safetensors")
    assert spec == PlayerSpec("hybrid", simulations=200, seconds=2.0, model="a=b.safetensors")
    assert str(spec) == "hybrid:simulations=200,seconds=2,model=a=b.safetensors"
    assert parse_spec("gtp: python engine.py a:b ").command == "python engine.py a:b"
    assert str(parse_spec("net")) == "net"


def test_options_change_by_value_and_by_text() -> None:
    spec = parse_spec("hybrid:simulations=5,seed=3")
    assert str(spec.with_options(simulations="7", model=Path("x"))) == "hybrid:simulations=7,model=x,seed=3"
    assert spec.with_options(kind="net", simulations=None) == PlayerSpec("net", seed=3)
    assert spec.simulations == 5


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("hybird", "did you mean hybrid?"),
        ("", "players are search, net"),
        ("exact:simulations=5", "exact takes only seconds, seed, not simulations"),
        ("exact:seconds=0", "seconds must be a number above 0"),
        ("exat", "did you mean exact?"),
        ("uci:", "write uci:COMMAND"),
        ("uci:'stockfish;go nodes 5", "not a command line"),
        ("hybrid:simulatons=5", "did you mean simulations?"),
        ("hybrid:value_pruning=-1", "value_pruning must be a number from 0 to 2"),
        ("hybrid:root=gumble", "did you mean gumbel?"),
        ("hybrid:considered=0", "considered must be a whole number from 1"),
        ("hybrid:value_scale=0", "value_scale must be a number above 0"),
        ("hybrid:command=5", "unknown option 'command'"),
        ("hybrid:simulations", "write hybrid:key=value"),
        ("hybrid:", "write hybrid:key=value"),
        ("hybrid:simulations=", "write hybrid:key=value"),
        ("hybrid:seed=1,seed=2", "given twice"),
        ("hybrid:simulations=0", "simulations must be a whole number from 1"),
        ("hybrid:simulations=2.5", "simulations must be a whole number"),
        ("hybrid:simulations=many", "not many"),
        ("hybrid:simulations=3000000000", "to 2147483647"),
        ("hybrid:seconds=0", "seconds must be a number above 0 and at most 1,000,000, not 0"),
        ("hybrid:seconds=-1", "seconds must be a number above 0"),
        ("hybrid:seconds=nan", "seconds must be a number above 0"),
        ("hybrid:seconds=inf", "seconds must be a number above 0"),
        ("hybrid:seed=-1", "seed must be a whole number from 0"),
        ("hybrid:temperature=-1", "temperature must be a number of at least 0"),
        ("hybrid:threads=0", "threads must be"),
        ("hybrid:memory=0", "memory must be"),
        ("hybrid:leaves=0", "leaves must be"),
        ("hybrid:c_puct=0", "c_puct must be a number above 0"),
        ("hybrid:threshold=2", "threshold must be a number from 0 to 1"),
        ("hybrid:draw_value=2", "draw_value must be a number from -1 to 1"),
        ("hybrid:prior=nett", "did you mean net?"),
        ("hybrid:value=rolout", "did you mean rollout?"),
        ("random:simulations=5", "random takes only seed"),
        ("gtp", "write gtp:COMMAND"),
        ("gtp:  ", "write gtp:COMMAND"),
        ("gtp:'engine", "close its quotes"),
    ],
)
def test_refused_in_one_line(text: str, words: str) -> None:
    with pytest.raises(TandemError) as caught:
        parse_spec(text)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "options",
    [
        {"simulations": True},
        {"simulations": 2.0},
        {"seconds": []},
        {"model": "a,b"},
        {"model": " a"},
        {"seed": 10**5000},
    ],
)
def test_values_of_no_use_are_refused(options: dict[str, object]) -> None:
    with pytest.raises(TandemError, match=r"must be|rename it"):
        parse_spec("hybrid").with_options(**options)


def test_a_change_is_checked_for_its_kind() -> None:
    with pytest.raises(TandemError, match="random takes only seed"):
        parse_spec("hybrid:simulations=5").with_options(kind="random")
    with pytest.raises(TandemError, match="did you mean seconds"):
        parse_spec("hybrid").with_options(second=1)
    with pytest.raises(TandemError, match="no other has a command"):
        parse_spec("hybrid").with_options(command="gnugo")


def test_playing_without_a_net_needs_no_torch() -> None:
    program = (
        "import sys\n"
        "from engine.position import Position\nfrom games.loader import load\nfrom players.player import make_player\n"
        "import selfplay.arena\n"
        "game = load('tictactoe')\n"
        "for spec in ('search:simulations=5', 'random', 'exact'):\n"
        "    make_player(game, spec).choose(Position(game))\n"
        "print('torch' in sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
