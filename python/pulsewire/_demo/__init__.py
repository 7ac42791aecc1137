"""The demo: ``python -m pulsewire demo``."""
