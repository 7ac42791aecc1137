"""All benchmarks in one run: interleaved rounds, medians, ratios; see benches/README.md.

make bench [RUNS=3] [ROWS=4,5]
"""

import os
import statistics
import sys
import time
from functools import partial

import links
import peers
import pulses
import report
from peers import PEERS, Served, Worker
from report import Check

ROUNDS = 5
# Where the system puts two processes decides about a round trip more than anything else, and holds
# for a while: what takes microseconds is measured in many short rounds.
PLACES = 15
KB, MB64, GB = 128, 8 << 20, 128 << 20
LIVE = 13_107_200
FOUR_GB = 512 << 20
VENDOR = ("qm-qua 1.4.1", "qm-qua 1.2.6")

median = statistics.median


def us(seconds):
    return f"{seconds * 1e6:,.1f} µs" if seconds < 1e-5 else f"{seconds * 1e6:,.0f} µs"


def mb(rate):
    return f"{rate / 1e6:,.0f} MB/s"


def percentile(times, part):
    return sorted(times)[min(int(len(times) * part), len(times) - 1)]


def rounds(measures, count=ROUNDS):
    """Measures in turn; all times by name."""
    times = {name: [] for name in measures}
    for _ in range(count):
        for name, measure in measures.items():
            times[name] += measure()
    return times


class Run:
    """One run: the checks it made, and the numbers for the picture."""

    def __init__(self):
        self.fast, self.address = peers.emulator()
        self.slow, self.slow_address = peers.emulator("--realtime")
        self.raw = Served(peers.LIMITS, "serve")
        self.workers = {name: Worker(name, self.address) for name in PEERS}
        self.ours = self.workers["pulsewire"]
        self.sink = Worker("pulsewire", self.address)
        self.sunk = self.sink("run", "sink")
        self.checks = []
        self.latencies, self.rates, self.distances = {}, {}, {}

    def trips(self, count=200):
        """Round trips: bare tonic calls on the caller's thread."""
        return peers.unary(self.address[1], self.sunk, count, "alone")

    def close(self):
        for worker in (*self.workers.values(), self.sink):
            worker.close()
        for server in (self.fast, self.slow, self.raw):
            server.close()

    def check(self, *arguments, **goal):
        check = Check(*arguments, **goal)
        self.checks.append(check)
        print("  ".join(check.cells()), flush=True)

    def push(self):
        jobs = {name: worker("run", "sink") for name, worker in self.workers.items()}
        port, job = self.address[1], jobs["pulsewire"]
        times = rounds(
            {
                **{name: partial(worker, "push", 300) for name, worker in self.workers.items()},
                "raw": lambda: peers.ping(self.raw.address, 300),
                "alone": lambda: peers.unary(port, job, 300, "alone"),
                "workers": lambda: peers.unary(port, job, 300, "workers"),
                "many": lambda: self.ours("push_many", 10_000),
            },
            PLACES,
        )
        p50 = {name: median(values) for name, values in times.items()}
        ours, what = p50["pulsewire"], "push of one int, p50"
        tonic = min(p50["alone"], p50["workers"])
        self.check("1", what, us(ours), "raw TCP", us(p50["raw"]), ours / p50["raw"], at_most=3)
        self.check("1", what, us(ours), "bare tonic", us(tonic), ours / tonic, at_most=1.1)
        for name, goal in zip(VENDOR, (3, 8), strict=True):
            self.check("1", what, us(ours), name, us(p50[name]), p50[name] / ours, at_least=goal)
        p99 = percentile(times["pulsewire"], 0.99)
        self.check("1", "push, p99", us(p99), "its p50", us(ours), p99 / ours, at_most=3)
        self.latencies["push"] = {
            "raw socket": p50["raw"],
            "tonic": tonic,
            "pulsewire": ours,
            **{name: p50[name] for name in VENDOR},
        }

        # The rate of the loop, not the median of its calls.
        loop = min(statistics.mean(times["alone"]), statistics.mean(times["workers"]))
        many = median(times["many"])
        self.check(
            "3", "push_many, an entry", us(many), "tonic loop", us(loop), loop / many, at_least=0.9
        )
        writer = median(self.ours("writer", 10_000))
        self.check("3", "writer.push, p50", us(writer), "2 µs", "", writer / 2e-6, at_most=1)

    def arrays(self):
        measured = ("pulsewire", "qm-qua 1.4.1")
        for name in measured:
            self.workers[name]("run", "sink", 100_000)
        for form, goal in (("numpy", 30), ("list", 8)):
            measures = {}
            for name, count in zip(measured, (20, 3), strict=True):
                how = "tolist" if form == "numpy" and name in VENDOR else form
                measures[name] = partial(
                    self.workers[name], "push_array", count, 100_000, "int", how
                )
            times = rounds(measures)
            ours, theirs = (median(times[name]) for name in measured)
            self.check(
                "2", f"push of 100,000 ints, {form}", us(ours), measured[1], us(theirs),
                theirs / ours, at_least=goal,
            )  # fmt: skip
        other = Worker("pulsewire", self.address)
        self.ours("run", "sink", 1000, "fixed")
        other("run", "sink", 1, "fixed")
        times = rounds(
            {
                "1000": lambda: self.ours("push_array", 150, 1000, "fixed", "numpy"),
                "1": lambda: other("push_array", 150, 1, "fixed", "numpy"),
            },
            PLACES,
        )
        other.close()
        many, one = median(times["1000"]), median(times["1"])
        self.check("2", "push of 1,000 fixed", us(many), "of one", us(one), many / one, at_most=1.2)

    def loops(self):
        for title, address, cycles in (
            ("loop, 5 ms", self.slow_address, 1_250_000),
            ("loop, at once", self.address, 0),
        ):
            workers = {name: Worker(name, address) for name in PEERS}
            one = Worker("pulsewire", address)
            for worker in (*workers.values(), one):
                worker("run", "answering", cycles)
            few = 4 if cycles else 2
            count = 30 if cycles else 70
            times = rounds(
                {
                    **{
                        name: partial(worker, "loop", count if name == "pulsewire" else few)
                        for name, worker in workers.items()
                    },
                    "pulsewire, one call": partial(one, "exchange", count),
                    "trip": self.trips,
                },
                ROUNDS if cycles else PLACES,
            )
            for worker in (*workers.values(), one):
                worker.close()
            p50 = {name: median(values) for name, values in times.items()}
            trip = p50.pop("trip")
            three, single = p50["pulsewire"], p50["pulsewire, one call"]
            if cycles:
                goal = 5e-3 + 3 * trip
                for what, ours in ((title, three), (f"{title}, one call", single)):
                    self.check(
                        "4", what, us(ours), "5 ms + 3 round trips", us(goal), ours / goal,
                        at_most=1.1,
                    )  # fmt: skip
            else:
                for what, ours, most in ((title, three, 3.3), (f"{title}, one call", single, 2.4)):
                    self.check(
                        "4", what, us(ours), "a round trip", us(trip), ours / trip, at_most=most
                    )
            self.latencies[title] = p50

    def fetches(self):
        small = self.ours("run", "counting", KB)
        self.ours("use", small, "values")
        times = rounds(
            {"fetch": partial(self.ours, "fetch_small", small, KB, 70), "trip": self.trips}, PLACES
        )
        fetched, trip = median(times["fetch"]), median(times["trip"])
        self.check("5", "fetch of 1 KB", us(fetched), "a round trip", us(trip), fetched / trip,
                   at_most=2.2)  # fmt: skip
        for title, values, count in (("1 GB", GB, 3), ("64 MB", MB64, 8)):
            job = self.ours("run", "counting", values)
            server = peers.flight_server(values)
            for worker in self.workers.values():
                worker("use", job, "values")
            measures = {
                name: partial(worker, "fetch", values, 1) for name, worker in self.workers.items()
            }
            measures["out="] = partial(self.ours, "fetch_out", values, 1)
            raw = partial(peers.receive, self.raw.address, values * 8)
            measures["raw socket"] = partial(raw, True)
            measures["raw, out="] = partial(raw, False)
            measures["Arrow Flight"] = partial(peers.flight, server.address, 1)
            times = rounds(measures, count)
            server.close()
            rate = {name: values * 8 / median(each) for name, each in times.items()}
            ours = rate["pulsewire"]
            for name, goal in (("raw socket", 0.6), ("Arrow Flight", 1.3), (VENDOR[0], 8)):
                self.check(
                    "5", f"fetch of {title}", mb(ours), name, mb(rate[name]), ours / rate[name],
                    at_least=goal,
                )  # fmt: skip
            out, limit = rate.pop("out="), rate.pop("raw, out=")
            self.check(
                "5", f"fetch of {title}, out=", mb(out), "raw socket, likewise", mb(limit),
                out / limit, at_least=0.6,
            )  # fmt: skip
            self.rates[title] = rate
            if values == GB:
                self.memory(job)
                self.pushes_while_fetching(job)

    def memory(self, job):
        fresh = Worker("pulsewire", self.address)
        fresh("use", job, "values")
        part = fresh("fetch_memory", GB)
        fresh.close()
        self.check("6", "peak memory, fetch of 1 GB", f"{part:.3f} GB", "the result", "1 GB", part,
                   at_most=1.1)  # fmt: skip

    def pushes_while_fetching(self, job):
        fresh = Worker("pulsewire", self.address)
        fresh("use", job, "values")
        fresh("run", "sink")
        times = rounds(
            {
                "idle": lambda: fresh("push", 2000),
                "busy": lambda: fresh("push_while_fetching", GB),
                "fetch": lambda: fresh("fetch", GB, 1),
            },
            3,
        )
        fresh.close()
        idle, busy, fetch = median(times["idle"]), median(times["busy"]), median(times["fetch"])
        self.check("8", "push during a fetch of 1 GB, p50", us(busy), "idle", us(idle), busy / idle,
                   at_most=2)  # fmt: skip
        worst = max(times["busy"])
        self.check("8", "push during a fetch of 1 GB, worst", us(worst), "the fetch", us(fetch),
                   worst / fetch, at_most=0.5)  # fmt: skip

    def file(self):
        job = self.ours("run", "counting", FOUR_GB)
        fresh = Worker("pulsewire", self.address)
        fresh("use", job, "values")
        peak, took = fresh("fetch_to_memory", FOUR_GB)
        fresh.close()
        self.check(
            "6", f"peak memory, fetch_to of 4 GB ({mb(FOUR_GB * 8 / took)})",
            f"{peak / 2**20:.1f} MiB", "64 MiB", "", peak / 2**26, at_most=1,
        )  # fmt: skip

    def several(self):
        names = [f"r{index}" for index in range(10)]
        job = self.ours("run", "counting", 10, names)
        self.ours("use", job, "r0")
        times = rounds(
            {
                "first": partial(self.ours, "fetch_results", job, 40, True),
                "again": partial(self.ours, "fetch_results", job, 40, False),
                "trip": self.trips,
            },
            PLACES,
        )
        trip = median(times["trip"])
        for what in ("first", "again"):
            took = median(times[what])
            self.check("7", f"ten small results, {what}", us(took), "a round trip", us(trip),
                       took / trip, at_most=3)  # fmt: skip

        counter = Served(peers.LIMITS, "count", self.address[1])
        reader = Worker("pulsewire", ("127.0.0.1", counter.address))
        before = int(counter.ask())
        job = self.ours("run", "counting", LIVE)
        arrays = reader("live", job, LIVE)
        moved = int(counter.ask()) - before
        reader.close()
        counter.close()
        self.check(
            "7", f"live reading of 100 MB, {arrays} arrays", f"{moved / 1e6:.1f} MB", "the result",
            f"{LIVE * 8 / 1e6:.1f} MB", moved / (LIVE * 8), at_most=1.02,
        )  # fmt: skip

    def rest(self):
        took = median(peers.import_time() for _ in range(7))
        self.check("9", "import beyond numpy", f"{took * 1e3:.1f} ms", "100 ms", "", took / 0.1,
                   at_most=1)  # fmt: skip
        rate = median(self.ours("statements", 100_000_000) for _ in range(3))
        self.check("9", "statements a second", f"{rate / 1e6:,.0f} M", "50 M", "", rate / 50e6,
                   at_least=1)  # fmt: skip
        took = median(self.ours("first_result", 100))
        self.check("9", "start to first result", f"{took * 1e3:.2f} ms", "10 ms", "", took / 0.01,
                   at_most=1)  # fmt: skip

    def simulations(self):
        cycles = 500_000
        samples = 4 * cycles * pulses.PORTS
        took = median(self.ours("simulate", cycles, 5)[1:])
        rate = samples / took
        self.check("10", "samples rendered a second", f"{rate / 1e6:,.0f} M", "200 M", "",
                   rate / 200e6, at_least=1)  # fmt: skip
        theirs = self.workers["qm-qua 1.4.1"]
        theirs("simulate", cycles, 1)
        times = rounds({"ours": lambda: self.ours("pull", 2), "theirs": lambda: theirs("pull", 1)})
        ours, other = median(times["ours"]), median(times["theirs"])
        self.check("10", "pull of 160 MB of samples", f"{samples * 8 / ours / 1e6:,.0f} MB/s",
                   "qm-qua 1.4.1", f"{samples * 8 / other / 1e6:,.0f} MB/s", other / ours,
                   at_least=5)  # fmt: skip
        peak, size = self.ours("pull_memory")
        self.check("10", "peak memory, pull", f"{peak / 1e6:,.0f} MB", "the samples",
                   f"{size / 1e6:,.0f} MB", peak / size, at_most=1.2)  # fmt: skip
        took = median(self.ours("modelled", 10_000, 100, 3))
        self.check("10", "Rabi of 10,000 × 100, modelled", f"{took:.2f} s", "1 s", "", took,
                   at_most=1)  # fmt: skip
        took = median(self.ours("modelled", 100, 10, 100))
        self.check("10", "sweeps of 100 × 10 a second", f"{1 / took:,.0f}", "100", "",
                   1 / took / 100, at_least=1)  # fmt: skip

    def links(self):
        """Operations in round trips, at 40 ms; the picture has them at other lengths, too."""
        for length in (1, 10, 40):
            with links.link(self.address[1], length) as near:
                found = {name: links.measure(name, (self.address[0], near)) for name in PEERS}
            for name, operations in found.items():
                for operation in ("closed loop, one call", "closed loop, three calls"):
                    label = f"{name}, one call" if operation.endswith("one call") else name
                    if operation in operations:
                        taken = self.distances.setdefault(label, {})
                        taken[length] = operations[operation]
            if length < 40:
                continue
            for operation, goal in links.OPERATIONS.items():
                ours = found["pulsewire"][operation]
                theirs = found[VENDOR[0]].get(operation)
                told = "" if theirs is None else f" (1.4.1: {theirs * 25:.3g})"
                self.check("11", f"{operation}, over 40 ms{told}", us(ours), "round trips", "40 ms",
                           ours * 25, at_most=goal)  # fmt: skip

    def distant_loops(self):
        for length, goal in ((0, 1.05), (1, 1.02), (10, 1.02)):
            worker = Worker("pulsewire", self.slow_address)
            job = worker("run", "answering", 1_250_000)
            program, trip, step = links.steps(*self.slow_address, job, length)
            worker.close()
            limit = program + 1.2 * trip
            self.check("12", f"loop, 5 ms, over {length} ms", us(step), "program + 1.2 round trips",
                       us(limit), step / limit, at_most=goal)  # fmt: skip

    def depth(self):
        one, many, alone, ahead = links.depth(*self.address, 10)
        self.check("13", "push_many over 10 ms, entries/s", f"{many:,.0f}", "push", f"{one:,.0f}",
                   many / one, at_least=20)  # fmt: skip
        self.check("13", "exchange_many over 10 ms, 16 ahead, steps/s", f"{ahead:,.0f}",
                   "exchange", f"{alone:,.0f}", ahead / alone, at_least=8)  # fmt: skip

    def distant_results(self):
        for title, values, count in (("64 MB", MB64, 7), ("1 GB", GB, 3)):
            job = self.ours("run", "counting", values)
            self.ours("use", job, "values")
            for length in (10, 40):
                for name, rate in (("10 Gbit/s", [links.TEN_GIGABIT]), ("no limit", [])):
                    ours, raw = links.large(
                        self.address[1], job, values, self.raw.address, length, rate, count
                    )
                    self.check("14", f"fetch of {title} over {length} ms, {name}",
                               mb(values * 8 / ours), "raw socket", mb(values * 8 / raw),
                               raw / ours, at_least=0.9)  # fmt: skip

    def faults(self):
        job = self.ours("run", "counting", MB64)
        self.ours("use", job, "values")
        faults, own = peers.page_faults(self.address, job, MB64)
        limit = own + 100
        self.check("15", "page faults, fetch of 64 MB, plain process", f"{faults:,}",
                   "the array's own + 100", f"{limit:,}", faults / limit, at_most=1)  # fmt: skip

    def kinds(self):
        self.ours("run", "sink", 100_000)
        kinds = ("int64", "int32", "int16", "uint16", "uint8", "strided")
        times = rounds(
            {kind: partial(self.ours, "push_array", 20, 100_000, "int", kind) for kind in kinds},
            PLACES,
        )
        base = median(times["int64"])
        for kind in kinds[1:]:
            took = median(times[kind])
            self.check("16", f"push of 100,000 ints, {kind}", us(took), "int64", us(base),
                       took / base, at_most=1.1)  # fmt: skip
        self.ours("run", "sink", 100_000, "fixed")
        times = rounds(
            {
                kind: partial(self.ours, "push_array", 20, 100_000, "fixed", kind)
                for kind in ("float64", "float32")
            },
            PLACES,
        )
        took, base = median(times["float32"]), median(times["float64"])
        self.check("16", "push of 100,000 fixed, float32", us(took), "float64", us(base),
                   took / base, at_most=1.1)  # fmt: skip


# What measures which rows.
PARTS = {
    "push": {1, 3},
    "arrays": {2},
    "kinds": {16},
    "loops": {4},
    "fetches": {5, 6, 8},
    "faults": {15},
    "several": {7},
    "rest": {9},
    "simulations": {10},
    "links": {11},
    "distant_loops": {12},
    "depth": {13},
    "distant_results": {14},
    "file": {6},
}


def main():
    count = int(os.environ.get("RUNS", "1"))
    rows = {int(row) for row in os.environ.get("ROWS", "").split(",") if row}
    results = peers.ROOT / "benches" / "results"
    results.mkdir(exist_ok=True)
    runs = []
    for number in range(count):
        print(f"run {number + 1} of {count}", flush=True)
        run = Run()
        try:
            for part, measured in PARTS.items():
                if rows and not rows & measured:
                    continue
                began = time.perf_counter()
                getattr(run, part)()
                print(f"{part}: {time.perf_counter() - began:.0f} s", flush=True)
        finally:
            run.close()
        runs.append(sorted(run.checks, key=lambda check: int(check.row)))
        text = report.table(report.HEAD, [check.cells() for check in runs[-1]])
        print(f"\n{text}\n")
        if not rows:
            (results / "latest.md").write_text(f"{report.heading()}\n\n{text}\n")
        if not rows:
            report.plot(results / "latest.png", run.latencies, run.rates, run.distances)
    if count > 1:
        text = report.summary(runs)
        print(text)
        (results / "runs.md").write_text(f"{report.heading()}, {count} runs\n\n{text}\n")


if __name__ == "__main__":
    sys.exit(main())
