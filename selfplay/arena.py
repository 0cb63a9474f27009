"""Two players against each other: paired openings, colours swapped, all cores, Elo with its interval.

    python -m selfplay.arena connect4 hybrid:simulations=100 search:seconds=0.1 --games 400

Pairs are spread over processes, not threads: 24 pairs of hybrid:simulations=100 (mlp:512-256) against
search:simulations=1000 on two cores took 1.4 s in two processes, 6.7 s in two threads and 2.6 s in one, as threads hand
Python's lock to and fro at every single evaluation.
"""

import argparse
import difflib
import multiprocessing
import os
import signal
import sys
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing, contextmanager
from typing import Any, NoReturn

from tqdm import tqdm

from games.contract import FloatArray, Game
from games.errors import TandemError
from games.loader import load
from players.gtp_client import REPLY_SECONDS
from players.match import openings
from players.player import EnginePlayer, make_player, needs_net
from players.spec import PlayerSpec, parse_spec
from selfplay.pairs import PairRecord, Pairs, Task
from selfplay.report import MatchResult
