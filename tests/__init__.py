"""Tests of pulsewire."""

# Seconds that a test waits for what comes: only a hang meets them, also beside other work.
PATIENCE = 120
