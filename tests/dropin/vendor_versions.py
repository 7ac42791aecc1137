"""Which seams fit which version of qm-qua, and whether jobs are served there.

Run by ``make vendor-versions``: loops, fetches, simulations and errors in each version that
``KNOWN_VERSIONS`` names, in the mode ``shadow``.
"""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "python")]

import pulsewire  # noqa: E402
from pulsewire.dropin.seams import KNOWN_VERSIONS, SEAMS  # noqa: E402
from tests.dropin.conftest import SCRIPTS, call, command_of, settled  # noqa: E402

TRIED = (
    "hello_qua",
    "input_stream_loop",
    "simulate_samples",
    "simulate_report",
    "job_queue",
    "fetch_results",
    "corrections",
    "typed_input_streams",
)


def main() -> int:
    """Prints a line for each version; gives 1 if anything does not fit."""
    worst = 0
    for version in KNOWN_VERSIONS:
        probe = (
            "import warnings; warnings.simplefilter('error', RuntimeWarning); import pulsewire; "
            "pulsewire.install(); print(len(pulsewire.report().calls), pulsewire.report().unfit)"
        )
        told = subprocess.run(
            command_of(version, "-c", probe), capture_output=True, text=True, check=False
        )
        fits = told.stdout.strip().splitlines()[-1:] or [told.stderr[-300:]]
        failed = []
        for name in TRIED:
            outputs = []
            for start in ((), ("-m", "pulsewire", "run", "--shadow", "--report")):
                with pulsewire.Emulator() as emulator:
                    address = {"QOP_IP": emulator.host, "QOP_PORT": str(emulator.port)}
                    done = call(command_of(version, *start, f"{name}.py"), SCRIPTS, **address)
                outputs.append((done.returncode, settled(done.stdout)))
            if outputs[0] != outputs[1] or (
                "made both ways" in done.stderr and ", 0 differed" not in done.stderr
            ):
                failed.append(name)
        bad = bool(told.returncode or failed)
        worst |= bad
        print(
            f"qm-qua {version}: {fits[0]} of {len(SEAMS)} seams;",
            "failed:" if failed else f"{len(TRIED)} scripts the same",
            *failed,
        )
    return int(worst)


if __name__ == "__main__":
    sys.exit(main())
