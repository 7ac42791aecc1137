"""Unchanged scripts by qm-qua alone and with pulsewire: how long, and where the time goes.

    .venvs/qm-1.4.1/bin/python benches/python/dropin.py [RUNS] [SCRIPT ...]

Each script (those of benches/python/scripts, unless paths are given) runs in a process of its own,
in turn by either, against one emulator. The time is the script's own, behind the import of qm-qua
and of what it imports late (which both pay). What is spent in the calls that pulsewire replaces is
measured on both sides, in the outermost of them on each thread. A script that does not end with 0
is left out.
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
    "| script | alone, s | with pulsewire, s | ratio | in replaced calls, alone, s "
    "| with pulsewire, s | left in qm-qua |"
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
    import httpcore  # noqa: F401
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
    os.chdir(Path(script).parent)
    began = time.perf_counter()
    runpy.run_path(script, run_name="__main__")
    took = time.perf_counter() - began
    print(json.dumps({"took": took, "replaced": total["seconds"]}), file=sys.stderr)


def measure(mode, script, address):
    """One run of a script: its seconds, and those in the calls that are replaced."""
    environment = {**os.environ, "QOP_IP": address[0], "QOP_PORT": str(address[1])}
    # Modules that are compiled at each import would be most of a short script's time.
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    done = subprocess.run(
        [sys.executable, __file__, "--child", mode, script],
        capture_output=True,
        text=True,
        env=environment,
    )
    lines = [line for line in done.stderr.splitlines() if line.startswith('{"took"')]
    if done.returncode or not lines:
        return None
    told = json.loads(lines[-1])
    return told["took"], told["replaced"]


def main(runs, scripts):
    """Prints a table in Markdown."""
    sys.path.insert(0, str(ROOT / "python"))
    import pulsewire

    rows = []
    for script in scripts:
        times = {"plain": [], "pulsewire": []}
        # Waits last as long as on the instrument.
        with pulsewire.Emulator(realtime=True) as emulator:
            for _ in range(runs):
                for mode, taken in times.items():
                    taken.append(measure(mode, script, (emulator.host, emulator.port)))
        if None in times["plain"] + times["pulsewire"]:
            print(f"{Path(script).stem}: left out", file=sys.stderr, flush=True)
            continue
        middle = [sorted(taken)[len(taken) // 2] for taken in times.values()]
        rows.append((Path(script).stem, *middle))
        print(rows[-1], file=sys.stderr, flush=True)
    print(HEAD)
    print("|---|---|---|---|---|---|---|")
    for name, (alone, replaced), (ours, served) in sorted(rows, key=lambda row: -ratio(row)):
        print(
            f"| `{name}` | {alone:.3f} | {ours:.3f} | {alone / ours:.1f} | {replaced:.3f} "
            f"| {served:.3f} | {1 - served / ours:.0%} |"
        )
    half = [row for row in rows if row[1][1] >= 0.5 * row[1][0]]
    slower = [name for name, alone, ours in rows if ours[1] >= alone[1] > 0]
    print(f"\nReplaced calls took longer in: {', '.join(slower) or 'none'}.")
    if half:
        print(
            f"Of those {len(half)} that spend half of their time in replaced calls: median ratio "
            f"{statistics.median(map(ratio, half)):.1f}; of all {len(rows)}: "
            f"{statistics.median(map(ratio, rows)):.1f}."
        )


def ratio(row):
    """How much faster a whole script is."""
    return row[1][0] / row[2][0]


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        child(*sys.argv[2:])
    else:
        main(
            int(sys.argv[1]) if len(sys.argv) > 1 else 3,
            [os.path.abspath(script) for script in sys.argv[2:]]
            or sorted(str(path) for path in SCRIPTS.glob("*.py")),
        )
