"""What holds for every test."""

import signal

# A suite that runs in the background was told to ignore Ctrl-C, and so would be every program that it starts and stops.
signal.signal(signal.SIGINT, signal.default_int_handler)
