"""The line about compiling: once for a program that works on, after every pause for whoever waits at a prompt."""

import pytest

from games import notice


@pytest.mark.parametrize(("again", "told"), [(False, 1), (True, 3)])
def test_each_wait_is_explained(again, told, monkeypatch, capsys):
    now = 1000.0
    monkeypatch.setattr(notice.time, "monotonic", lambda: now)
    notice.tell_when_compiling("chess", again=again)
    listener = notice._listener()
    try:
        for pause in (0, 0.1, notice.PAUSE_SECONDS - 0.1, notice.PAUSE_SECONDS + 0.1, 1, 60):
            now += pause
            listener.on_start(None)
            now += 20
            listener.on_end(None)
    finally:
        listener.line = ""
    assert capsys.readouterr().err.count("compiling kernels for chess") == told
