"""One picture per subject, with the machine it was drawn on, in out/bench."""

import os
import platform
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct

from runtime.clock import utcnow

FOLDER = Path("out/bench")
COLOURS = ("#0f6d8c", "#d97706", "#4d7c0f", "#9333ea")


class Bars(Struct, frozen=True):
    """Something measured for several contenders: (median, spread as a share of it) by name."""

    title: str
    unit: str
    values: Mapping[str, tuple[float, float]]


class Curves(Struct, frozen=True):
    """Something measured at growing sizes: points (size, value) by name."""

    title: str
    size: str
    unit: str
    points: Mapping[str, list[tuple[float, float]]]


def machine() -> str:
    """Where and on what a figure was measured, in one line."""
    found = Path("/proc/cpuinfo")
    match = re.search(r"model name\s*:\s*(.+)", found.read_text()) if found.exists() else None
    cpu = match[1] if match else platform.processor() or platform.machine()
    system = f"{platform.system()}, Python {platform.python_version()}"
    return f"{utcnow():%Y-%m-%d}, {os.cpu_count()} cores of {cpu}, {system}, commit {_commit()}"


def _commit() -> str:
    command = ["git", "rev-parse", "--short", "HEAD"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return done.stdout.strip()


def draw(subject: str, plot: Bars | Curves) -> Path | None:
    """Write the subject's picture. Return where it is, or None without matplotlib."""
    try:
        import matplotlib.pyplot as plt
    except ImportError:
        return None
    figure, axes = plt.subplots(figsize=(9, 4.5), layout="constrained")
    if isinstance(plot, Bars):
        names = list(plot.values)
        heights = [plot.values[name][0] for name in names]
        errors = [plot.values[name][0] * plot.values[name][1] for name in names]
        axes.barh(names, heights, xerr=errors, color=COLOURS[0], ecolor="#64748b", capsize=3)
        axes.invert_yaxis()
        axes.set_xlabel(plot.unit)
        if max(heights) > 20 * min(heights):
            axes.set_xscale("log")
    else:
        for place, (name, points) in enumerate(plot.points.items()):
            colour = COLOURS[place % len(COLOURS)]
            axes.plot(*zip(*points, strict=True), marker="o", label=name, color=colour)
        axes.set(xscale="log", yscale="log", xlabel=plot.size, ylabel=plot.unit)
        axes.grid(visible=True, alpha=0.3)
        axes.legend()
    axes.set_title(plot.title, loc="left")
    figure.supxlabel(machine(), fontsize=7, color="#64748b")
    FOLDER.mkdir(parents=True, exist_ok=True)
    path = FOLDER / f"{subject}.svg"
    figure.savefig(path)
    plt.close(figure)
    return path
