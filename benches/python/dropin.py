"""Unchanged scripts by qm-qua alone and with pulsewire: how long, and where the time goes.

    .venvs/qm-1.4.1/bin/python benches/python/dropin.py [RUNS] [SCRIPT ...]

Each script of benches/python/scripts runs in a process of its own, in turn by either, against one
emulator. The time is the script's own, behind the import of qm-qua (which both pay). What is
spent in the calls that pulsewire replaces is measured on both sides, in the outermost of them on
each thread.
"""

import json
import os
import statistics
import subprocess
import sys
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = Path(__file__).parent / "scripts"
# The configuration that they import.
SHARED = ROOT / "tests" / "dropin" / "scripts"
HEAD = (
    "| script | alone, s | with pulsewire, s | ratio | of it alone, in replaced calls "
    "| left in qm-qua |"
)


def timed(function, total):
    """A function whose time is added up, unless it is called by another one of them."""

    def measured(*args, **kwargs):
        if getattr(total["inside"], "now", False):
            return function(*args, **kwargs)
        total["inside"].now = True
        began = time.perf_counter()
        try:
            return function(*args, **kwargs)
        finally:
            total["seconds"] += time.perf_counter() - began
            total["inside"].now = False

    return measured


def child(mode, script):
    """Runs a script; prints its time and that of the seams."""
    import runpy
    import warnings

    warnings.simplefilter("ignore")
    sys.path[:0] = [str(SHARED), str(ROOT / "python")]
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot
    import qm.qua  # noqa: F401

    import pulsewire
    from pulsewire.dropin.seams import SEAMS

    if mode == "pulsewire":
        pulsewire.install()
    total = {"seconds": 0.0, "inside": threading.local()}
    for seam in SEAMS:
        holder = seam.holder()
        found = vars(holder)[seam.name]
        if isinstance(found, property):
            setattr(holder, seam.name, property(timed(found.fget, total)))
        else:
            setattr(holder, seam.name, timed(found, total))
    os.chdir(SCRIPTS)
    began = time.perf_counter()
    runpy.run_path(script, run_name="__main__")
    took = time.perf_counter() - began
    print(json.dumps({"took": took, "replaced": total["seconds"]}), file=sys.stderr)


def measure(mode, script, address):
    """One run of a script: its seconds, and those in the calls that are replaced."""
    environment = {**os.environ, "QOP_IP": address[0], "QOP_PORT": str(address[1])}
    done = subprocess.run(
        [sys.executable, __file__, "--child", mode, script],
        capture_output=True,
        text=True,
        check=True,
        env=environment,
    )
    told = json.loads(done.stderr.splitlines()[-1])
    return told["took"], told["replaced"]


def main(runs, names):
    """Prints a table in Markdown."""
    sys.path.insert(0, str(ROOT / "python"))
    import pulsewire

    rows = []
    for name in names:
        times = {"plain": [], "pulsewire": []}
        # Waits last as long as on the instrument.
        with pulsewire.Emulator(realtime=True) as emulator:
            for _ in range(runs):
                for mode, taken in times.items():
                    taken.append(measure(mode, f"{name}.py", (emulator.host, emulator.port)))
        middle = {mode: sorted(taken)[len(taken) // 2] for mode, taken in times.items()}
        (alone, replaced), (ours, served) = middle["plain"], middle["pulsewire"]
        rows.append((name, alone, ours, alone / ours, replaced / alone, 1 - served / ours))
        print(
            *(f"{part:.3f}" if isinstance(part, float) else part for part in rows[-1]),
            file=sys.stderr,
            flush=True,
        )
    print(HEAD)
    print("|---|---|---|---|---|---|")
    for name, alone, ours, ratio, share, left in sorted(rows, key=lambda row: -row[3]):
        print(f"| `{name}` | {alone:.3f} | {ours:.3f} | {ratio:.1f} | {share:.0%} | {left:.0%} |")
    half = [ratio for _, _, _, ratio, share, _ in rows if share >= 0.5]
    if half:
        print(
            f"\nOf those {len(half)} that spend half of their time in replaced calls: median "
            f"ratio {statistics.median(half):.1f}; of all {len(rows)}: "
            f"{statistics.median(row[3] for row in rows):.1f}."
        )


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        child(*sys.argv[2:])
    else:
        main(
            int(sys.argv[1]) if len(sys.argv) > 1 else 3,
            sys.argv[2:] or sorted(path.stem for path in SCRIPTS.glob("*.py")),
        )
