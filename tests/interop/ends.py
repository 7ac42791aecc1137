"""A simulation beyond its time, and a session over TLS, by one client: prints what came of it.

python ends.py qm|pulsewire HOST PORT watchdog
python ends.py qm|pulsewire HOST PORT tls CERTIFICATE
"""

import json
import logging
import ssl
import sys
import warnings
from importlib.metadata import version
from pathlib import Path

warnings.simplefilter("ignore")
logging.disable(logging.CRITICAL)
sys.path.insert(0, str(Path(__file__).parent.parent.parent))

from qm import QuantumMachinesManager, SimulationConfig  # noqa: E402
from qm.qua import *  # noqa: E402, F403
from qm.simulate.credentials import CredentialOverrides  # noqa: E402

import pulsewire  # noqa: E402
from tests.emulator import rack  # noqa: E402


def slow():
    """Each value that is saved moves a window of very many."""
    with program() as built:  # noqa: F405
        n, s = declare(int), declare_stream()  # noqa: F405
        play("short", "flux")  # noqa: F405
        with for_(n, 0, n < 1_000_000, n + 1):  # noqa: F405
            save(n, s)  # noqa: F405
        with stream_processing():  # noqa: F405
            s.buffer_and_skip(20_000, 1).average().save("slow")
    return built


def quick():
    with program() as built:  # noqa: F405
        n, s = declare(int), declare_stream()  # noqa: F405
        with for_(n, 0, n < 1000, n + 1):  # noqa: F405
            save(n, s)  # noqa: F405
        with stream_processing():  # noqa: F405
            s.save_all("values")
    return built


def watchdog(backend, host, port):
    if backend == "qm":
        manager = QuantumMachinesManager(host, port)
        job = manager.simulate(rack.CONFIG, slow(), SimulationConfig(100))
    else:
        job = pulsewire.connect(host, port).simulate(rack.CONFIG, slow(), 100)
    report = job.execution_report()
    samples = job.get_simulated_samples()
    return {
        "has_errors": report.has_errors(),
        "errors": [(error.message, error.severity.name) for error in report.errors()],
        "pulses": len(job.get_simulated_waveform_report().to_dict()["analog_waveforms"]),
        "samples": [len(samples.con1.analog[port]) for port in samples.con1.analog],
    }


def tls(backend, host, port, certificate):
    if backend == "qm":
        if version("qm-qua").startswith("1.2."):
            credentials = ssl.create_default_context(cafile=certificate)
            credentials.set_alpn_protocols(["h2"])
        else:
            # As grpc takes no context.
            credentials = CredentialOverrides(certificate_path=certificate)
        # Its probe for a router is plaintext, as ours, which leaves it out with TLS.
        manager = QuantumMachinesManager(
            host, port, credentials=credentials, follow_gateway_redirections=False
        )
        job = manager.open_qm(rack.CONFIG).execute(quick())
    else:
        client = pulsewire.connect(host, port, tls={"ca": certificate})
        job = client.open_qm(rack.CONFIG).execute(quick())
    assert job.result_handles.wait_for_all_values()
    values = job.result_handles.get("values").fetch_all()["value"]
    return {"sum": int(values.sum()), "dtype": str(values.dtype), "len": len(values)}


def main(backend, host, port, what, *more):
    outcome = {"watchdog": watchdog, "tls": tls}[what](backend, host, int(port), *more)
    print("OUTCOME " + json.dumps(outcome))


main(*sys.argv[1:])
