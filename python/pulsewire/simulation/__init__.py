"""Simulations: what inputs see, what is asked of the gateway, what a readout model answers."""

from pulsewire.simulation.interfaces import Loopback, Raw
from pulsewire.simulation.readout import Qubit, Readout

__all__ = ["Loopback", "Qubit", "Raw", "Readout"]
