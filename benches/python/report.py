"""The table and the picture of a run."""

import datetime
import os
import platform
from dataclasses import dataclass

HEAD = ["row", "measured", "pulsewire", "compared with", "", "ratio", "goal", "met"]


@dataclass
class Check:
    """One comparison: a number of pulsewire's beside another's, and the goal for their ratio."""

    row: str
    what: str
    ours: str
    other: str
    theirs: str
    ratio: float
    at_most: float | None = None
    at_least: float | None = None

    @property
    def met(self):
        if self.at_most is not None:
            return self.ratio <= self.at_most
        return self.ratio >= self.at_least

    def cells(self):
        goal = f"≤ {self.at_most:g}" if self.at_most is not None else f"≥ {self.at_least:g}"
        met = "yes" if self.met else "**no**"
        ratio = f"{self.ratio:.3g}"
        return [self.row, self.what, self.ours, self.other, self.theirs, ratio, goal, met]


def table(head, rows):
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)


def heading():
    when = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC")
    machine = f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores"
    return f"{when}, {machine}, CPython {platform.python_version()}"


def summary(runs):
    """All runs beside each other: the ratio of each check in each of them."""
    rows = []
    for checks in zip(*runs, strict=True):
        first = checks[0].cells()
        ratios = " · ".join(check.cells()[5] for check in checks)
        met = sum(check.met for check in checks)
        rows.append([*first[:2], first[3], ratios, first[6], f"{met} of {len(checks)}"])
    return table(["row", "measured", "compared with", "ratios", "goal", "met"], rows)


def plot(path, latencies, rates, distances):
    """Bars: ``latencies`` and ``rates`` map titles to numbers by peer, in seconds and bytes/s.

    Lines: ``distances`` maps peers to seconds by the milliseconds of a link.
    """
    import matplotlib

    matplotlib.use("agg")
    from matplotlib import pyplot

    figure, (left, middle, right) = pyplot.subplots(1, 3, figsize=(18, 5), layout="constrained")
    colours = {
        "raw socket": "0.75",
        "tonic": "0.55",
        "pulsewire": "#c8324f",
        "pulsewire, one call": "#e58a9c",
        "Arrow Flight": "#4c8f6a",
        "qm-qua 1.4.1": "#34618f",
        "qm-qua 1.2.6": "#8fb0d0",
    }
    for axes, groups, scale, unit in (
        (left, latencies, 1e6, "µs (less is better)"),
        (middle, rates, 1e-6, "MB/s (more is better)"),
    ):
        names = [name for name in colours if any(name in group for group in groups.values())]
        width = 0.8 / len(names)
        for place, name in enumerate(names):
            at = [
                index + place * width
                for index, group in enumerate(groups.values())
                if name in group
            ]
            heights = [group[name] * scale for group in groups.values() if name in group]
            bars = axes.bar(at, heights, width, label=name, color=colours[name])
            # Upright, as the bars are narrower than their numbers.
            axes.bar_label(bars, fmt="{:,.0f}", fontsize=7, rotation=90, padding=2)
        axes.set_xticks([index + 0.4 - width / 2 for index in range(len(groups))], list(groups))
        axes.set_ylabel(unit)
        axes.legend(fontsize=8)
        axes.spines[["top", "right"]].set_visible(False)
    left.set_yscale("log")
    for axes in (left, middle):
        axes.margins(y=0.15)
    for name, times in distances.items():
        lengths = sorted(times)
        seconds = [times[length] * 1e3 for length in lengths]
        right.plot(lengths, seconds, "o-", label=name, color=colours[name])
    right.set_xscale("log")
    right.set_yscale("log")
    right.set_xlabel("round trip of the link, ms")
    right.set_ylabel("ms (less is better)")
    right.set_title("A step of a closed loop over a link")
    right.legend(fontsize=8)
    right.spines[["top", "right"]].set_visible(False)
    left.set_title("Latency, p50")
    middle.set_title("Fetching one result")
    figure.savefig(path, dpi=110)
    pyplot.close(figure)
