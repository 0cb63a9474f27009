"""From the flags of play.py to a session: which game, which net, which mode."""

from pathlib import Path

from engine.modes import CHOICES, EXACT, check_name
from games.errors import TandemError
from games.loader import load
from games.notice import tell_when_compiling
from games.typed import require_types
from interfaces.levels import read_level
from interfaces.session import Session
from nets.modelfile import ModelHeader, read_header, read_model
from nets.models import run_model, shipped_model
from players.spec import PlayerSpec, parse_spec

DEFAULT_GAME = "connect4"
DEFAULT_MODE, MODE_WITHOUT_NET = "hybrid", "search"
# What a card may say of how much went into a net, the most telling first; people are told two of them.
CARD_WORDS = ("minutes", "core_minutes", "positions", "evaluations", "games", "steps")


def open_session(
    game_spec: str | None,
    mode: str | None,
    *,
    run: str | None = None,
    model: str | Path | None = None,
    default_simulations: int | str | None = None,
    level: str | None = None,
    **options: object,
) -> tuple[Session, str]:
    """The session that the flags ask for, and the line that says what is played with which net.

    `mode` is one of engine.modes.CHOICES, with options after a colon if any; `options` are those of a player spec, and
    None says nothing; `level` takes the place of a mode and its budget. Without a budget moves get the
    `default_simulations`, or else are clocked. The net is named once: by `run`, by `model` or in the mode. Raises
    TandemError for what cannot be had: a named model that is broken or another game's is refused here, though torch is
    not imported yet.
    """
    if level is not None and (mode, options.get("simulations"), options.get("seconds")) != (None, None, None):
        raise TandemError(
            "a level says mode and budget itself: leave out --level, or --mode, --simulations and --seconds"
        )
    number = read_level(level) if level is not None else None
    kind, spec = _spec(mode or DEFAULT_MODE)
    spec = spec.with_options(**{key: text for key, text in options.items() if text is not None})
    if spec.simulations is None and spec.seconds is None:
        spec = spec.with_options(simulations=default_simulations)
    if len([net for net in (run, model, spec.model) if net is not None]) > 1:
        raise TandemError("the net is named twice: give one of --run, --model and model=FILE in --mode")
    given = spec.model if model is None else model
    named = run_model(Path(run)) if run is not None else _model(Path(given)) if given is not None else None
    game = load(game_spec or (read_header(named).game if named else DEFAULT_GAME))
    require_types(game)
    tell_when_compiling(game.spec, again=True)
    path = named or shipped_model(game)
    fallback = ""
    if path is None and mode is None:
        kind, spec = MODE_WITHOUT_NET, spec.with_options(kind=MODE_WITHOUT_NET)
        fallback = f" (there is no net for {game.spec}; python train.py {game.spec} makes one)"
    net = f"net {_describe(path, read_model(path, game)[0])}" if path else "no net"
    session = Session(game, spec, path, kind)
    if number is not None:
        session.set_level(number)
    return session, f"{game.spec}, {net}, {session.playing}{fallback}"


def _model(path: Path) -> Path:
    return run_model(path) if path.is_dir() else path


def _spec(mode: str) -> tuple[str, PlayerSpec]:
    """The mode that answers first, and a spec that every mode of the session can go by."""
    kind = mode.partition(":")[0].strip()
    # The parser of specs also knows players that are no modes, and would suggest them.
    check_name(kind, CHOICES)
    spec = parse_spec(mode)
    if kind == EXACT:  # it takes fewer options than the flags may give, and than the modes that may follow it
        spec = PlayerSpec(MODE_WITHOUT_NET, seconds=spec.seconds, seed=spec.seed)
    return kind, spec


def _describe(path: Path, header: ModelHeader) -> str:
    card = header.card
    numbers = [word for word in CARD_WORDS if isinstance(card.get(word), int | float) and card[word] is not True]
    words = [f"{round(card[word], 1):,} {word.replace('_', '-')}" for word in numbers[:2]]
    shown = path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
    return f"{header.net_id} ({', '.join([str(shown), header.net, *words])})"
