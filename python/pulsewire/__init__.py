"""pulsewire: the Job API of Quantum Machines controllers over a Rust core.

Start with :func:`connect`, or with :class:`Emulator` when there is no instrument::

    with pulsewire.Emulator() as emulator:
        with pulsewire.connect(emulator.host, emulator.port) as client:
            machine = client.open_qm(config)
            job = machine.execute(program)
            print(job.result_handles.fetch_results())
"""

import warnings

from pulsewire import exceptions
from pulsewire._native import DEBUG_BUILD, __version__, quantize_correction
from pulsewire.client import Client, connect
from pulsewire.dropin import attach, install, installed, report, uninstall
from pulsewire.dropin.ipython import load_ipython_extension, unload_ipython_extension
from pulsewire.emulator import Emulator
from pulsewire.jobs import QmJob, SimulatedJob
from pulsewire.quantum_machine import QuantumMachine
from pulsewire.simulation import Loopback, Qubit, Raw, Readout

if DEBUG_BUILD:
    warnings.warn(
        "this is a debug build of pulsewire, many times slower: `make build` makes a release one",
        RuntimeWarning,
        stacklevel=2,
    )

__all__ = [
    "Client",
    "Emulator",
    "Loopback",
    "QmJob",
    "QuantumMachine",
    "Qubit",
    "Raw",
    "Readout",
    "SimulatedJob",
    "__version__",
    "attach",
    "connect",
    "exceptions",
    "install",
    "installed",
    "load_ipython_extension",
    "quantize_correction",
    "report",
    "uninstall",
    "unload_ipython_extension",
]
