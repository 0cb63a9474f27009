"""From the flags of play.py to a session: which game, which net, which mode."""

from pathlib import Path

from engine.modes import mode_named
from games.loader import load
from interfaces.notice import tell_when_compiling
from interfaces.session import Session
from nets.modelfile import ModelHeader, read_header, read_model
from nets.models import run_model, shipped_model
from players.spec import PlayerSpec, parse_spec

DEFAULT_GAME = "connect4"
DEFAULT_MODE, MODE_WITHOUT_NET = "hybrid", "search"
# What a card may say of how much went into a net, the most telling first; people are told two of them.
CARD_WORDS = ("minutes", "core_minutes", "positions", "evaluations", "games", "steps")


def open_session(
    game_spec: str | None, mode: str | None, *, run: str | None = None, **options: object
) -> tuple[Session, str]:
    """The session that the flags ask for, and the line that says what is played with which net.

    `mode` is a mode of the engine, with options after a colon if any; `options` are those of a player spec, and None
    says nothing. Raises TandemError for what cannot be had: a named model that is broken or another game's is refused
    here, though torch is not imported yet.
    """
    spec = _spec(mode or DEFAULT_MODE).with_options(**{key: text for key, text in options.items() if text is not None})
    named = run_model(Path(run)) if run is not None else Path(spec.model) if spec.model is not None else None
    game = load(game_spec or (read_header(named).game if named else DEFAULT_GAME))
    tell_when_compiling(game.spec)
    path = named or shipped_model(game)
    fallback = ""
    if path is None and mode is None:
        spec = spec.with_options(kind=MODE_WITHOUT_NET)
        fallback = f" (there is no net for {game.spec}; python train.py {game.spec} makes one)"
    net = f"net {_describe(path, read_model(path, game)[0])}" if path else "no net"
    session = Session(game, spec, path)
    return session, f"{game.spec}, {net}, mode {session.mode}, {session.budget}{fallback}"


def _spec(mode: str) -> PlayerSpec:
    # The parser of specs also knows players that are no modes, and would suggest them.
    mode_named(mode.partition(":")[0].strip())
    return parse_spec(mode)


def _describe(path: Path, header: ModelHeader) -> str:
    card = header.card
    numbers = [word for word in CARD_WORDS if isinstance(card.get(word), int | float) and card[word] is not True]
    words = [f"{round(card[word], 1):,} {word.replace('_', '-')}" for word in numbers[:2]]
    return f"{header.net_id} ({', '.join([str(path), header.net, *words])})"
