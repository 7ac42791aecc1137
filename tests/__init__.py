"""Tests of pulsewire."""

import signal

# Behind a shell's `&` Ctrl-C is ignored, and by every child too; some tests interrupt theirs.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# Seconds that a test waits for what comes: only a hang meets them, also beside other work.
PATIENCE = 120
