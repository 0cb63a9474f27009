"""A game that outlasts its MAX_PLIES, which the loader refuses: a search of it ends, with draws that prove nothing."""

import numpy as np
import pytest

from engine.position import Position
from engine.search import Search
from engine.settings import Settings
from games.loader import load
from tests.engine.helpers import lines_of, tree_of
from tests.games.helpers import variant
from tests.games.test_trial import TRIED

PLIES = 3  # so that trees would grow deeper than the game


class Even:
    """A net that has no opinion."""

    net_id = "even"

    def evaluate(self, planes, logits, wdl):
        logits[:], wdl[:] = 0.0, np.float32([0.5, 0.0, 0.5])


@pytest.fixture(scope="module")
def endless(tmp_path_factory):
    short = ("COLUMNS, COLUMNS, ROWS * COLUMNS,", f"COLUMNS, COLUMNS, {PLIES},")
    path = variant(tmp_path_factory.mktemp("endless"), "endless", "connect4", *TRIED["endless"][1], short)
    return load(str(path), tried=False)


@pytest.mark.parametrize("mode", ["search", "hybrid"])
def test_a_search_of_a_game_without_an_end_ends(endless, mode):
    search = Search(endless, Settings(mode, look_ahead=False, proof_nodes=0), Even())
    result = search.run(Position(endless), simulations=2000)
    assert (result.value, result.proven) == (0.0, None)
    visited = [len(line) for line, (visits, *_) in lines_of(tree_of(search)).items() if visits]
    assert max(visited) == PLIES + 1  # what a path has room for
