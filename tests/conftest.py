"""What holds for every test."""

import os
import signal

from hypothesis import settings

# A suite that runs in the background was told to ignore Ctrl-C, and so would be every program that it starts and stops.
signal.signal(signal.SIGINT, signal.default_int_handler)

# Tests that run side by side are told the size of a terminal that none of their programs has.
for name in ("COLUMNS", "LINES"):
    os.environ.pop(name, None)

# Kernels compile in whichever example comes first, and machines are busy: only what may hang has a deadline.
settings.register_profile("tandem", deadline=None)
settings.load_profile("tandem")
