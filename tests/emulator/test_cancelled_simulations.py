"""Simulations that nobody waits for any more."""

import signal
import subprocess
import sys
import threading
import time

import pytest

import pulsewire
from pulsewire import exceptions as errors
from pulsewire._vendor import program_bytes
from tests import PATIENCE
from tests.emulator.conftest import CONFIG
from tests.proxy import Proxy

# Simulations that the emulator computes at a time, and one more.
AT_A_TIME = 16


@pytest.fixture(scope="module")
def slow():
    """Each value that is saved moves a window of very many: minutes, if nothing stops it."""
    from qm.qua import declare, declare_stream, for_, program, save, stream_processing

    with program() as built:
        value, stream = declare(int), declare_stream()
        with for_(value, 0, value < 10_000_000, value + 1):
            save(value, stream)
        with stream_processing():
            stream.buffer_and_skip(20_000, 1).average().save("slow")
    return built


@pytest.fixture(scope="module")
def quick():
    from qm.qua import play, program

    with program() as built:
        play("bias", "flux")
    return built


@pytest.fixture
def emulator():
    # Longer than this test: nothing but the cancellation ends a simulation.
    with pulsewire.Emulator(limits={"simulation_seconds": 3600}) as emulator:
        yield emulator


def is_idle(seconds=1.0):
    """Whether this process, the emulator in it, hardly computes for a while."""
    began = time.process_time()
    time.sleep(seconds)
    return time.process_time() - began < 0.3 * seconds


def assert_free(emulator, quick):
    """One more gets a thread, and none computes in the background."""
    with pulsewire.connect(emulator.host, emulator.port) as client:
        assert client.simulate(CONFIG, quick, 100).get_simulated_samples().con1.analog["3"].size
    ends = time.monotonic() + PATIENCE
    while not is_idle():
        assert time.monotonic() < ends


def test_lost_connections_end_their_simulations(emulator, slow, quick):
    outcomes = []

    def simulate(client):
        try:
            client.simulate(CONFIG, slow, 1000)
        except errors.QmQuaException as error:
            outcomes.append(error)

    with Proxy((emulator.host, emulator.port)) as proxy:
        # Each with a connection of its own, two more than run at a time: these wait for a thread.
        clients = [
            pulsewire.connect("127.0.0.1", proxy.port, headers={"x-test": str(n)})
            for n in range(AT_A_TIME + 2)
        ]
        waiting = [threading.Thread(target=simulate, args=(client,)) for client in clients]
        for thread in waiting:
            thread.start()
        time.sleep(1)
        assert not is_idle(0.5)
        assert not outcomes
        proxy.cut()
        for thread in waiting:
            thread.join(PATIENCE)
        assert len(outcomes) == AT_A_TIME + 2
        assert_free(emulator, quick)
        for client in clients:
            client.close()


WAITING = """
import sys
import pulsewire
from tests.emulator.conftest import CONFIG
from pathlib import Path

client = pulsewire.connect("127.0.0.1", int(sys.argv[1]))
program = Path(sys.argv[2]).read_bytes()
print("ready", flush=True)
try:
    client.simulate(CONFIG, program, 1000)
except KeyboardInterrupt:
    print("interrupted", flush=True)
    sys.stdin.readline()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such signals on Windows")
@pytest.mark.parametrize("sent", ["SIGINT", "SIGKILL"])
def test_a_client_that_is_stopped_ends_its_simulation(emulator, slow, quick, sent, tmp_path):
    program = tmp_path / "slow.bin"
    program.write_bytes(program_bytes(slow))
    process = subprocess.Popen(
        [sys.executable, "-c", WAITING, str(emulator.port), str(program)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    lines = iter(process.stdout)
    assert "ready\n" in lines
    time.sleep(1)
    assert not is_idle(0.5)
    process.send_signal(getattr(signal, sent))
    if sent == "SIGINT":
        # Its connection stays: what ends the simulation is the call that was given up.
        assert "interrupted\n" in lines
        assert process.poll() is None
    else:
        process.wait(PATIENCE)
    assert_free(emulator, quick)
    process.kill()
    process.communicate()
