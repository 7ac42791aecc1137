"""``python -m pulsewire``."""

import sys

from pulsewire.cli import main

sys.exit(main())
