"""Time management: never more than there is, and a fair share of it."""

import pytest

from interfaces.clock import LEAST, Clock, TimeSettings, moves_left


@pytest.mark.parametrize(
    ("settings", "limited"),
    [((0, 0, 0), False), ((60, 0, 0), True), ((0, 10, 5), True), ((0, 10, 0), False), ((60, 10, 0), False)],
)
def test_what_counts_as_a_clock(settings, limited):
    assert TimeSettings(*settings).limited is limited


@pytest.mark.parametrize("main", [1, 10, 600])
@pytest.mark.parametrize("moves", [1, 5, 21])
def test_a_whole_game_fits_into_the_main_time_and_uses_most_of_it(main, moves):
    clock, spent = Clock(TimeSettings(main)), 0.0
    for left in range(moves, 0, -1):
        budget = clock.budget(left)
        clock.spend(budget)
        spent += budget
    assert 0.9 * main <= spent <= main


def test_a_very_long_game_is_not_played_as_if_it_were_one():
    assert Clock(TimeSettings(60)).budget(500) == pytest.approx(2, abs=0.1)


def test_byo_yomi_stones_share_their_period_and_periods_follow_each_other():
    clock = Clock(TimeSettings(0, 10, 5))
    for _ in range(3):
        spent = 0.0
        for _ in range(5):
            budget = clock.budget(40)
            clock.spend(budget)
            spent += budget
        assert 9 <= spent <= 10
    assert (clock.left, clock.stones) == (10, 5)


def test_main_time_that_runs_out_leads_into_byo_yomi():
    clock = Clock(TimeSettings(4, 10, 5))
    assert clock.budget(40) > 10 / 5
    clock.spend(4.5)
    assert (clock.left, clock.stones) == (10, 5)
    assert clock.budget(40) == pytest.approx(2, abs=0.05)


def test_the_controllers_word_overrides_our_own_count():
    clock = Clock(TimeSettings(100, 10, 5))
    clock.set(6, 3)
    assert clock.budget(40) == pytest.approx(2, abs=0.05)


@pytest.mark.parametrize("left", [0, -5, 0.01])
def test_without_time_a_move_is_still_made(left):
    clock = Clock(TimeSettings(100))
    clock.set(left, 0)
    assert clock.budget(10) == LEAST


def test_moves_left_counts_ones_own():
    assert [moves_left(ply, 9) for ply in (0, 1, 7, 8, 9)] == [5, 4, 1, 1, 1]
