"""What Linux's control groups grant this process: CPUs and memory, in both of their versions.

A process belongs to a group that may lie within others, as under Slurm, systemd and Docker; each of
them may have limits, and the tightest counts.
"""

import math
from collections.abc import Iterator
from pathlib import Path

CGROUPS = Path("/sys/fs/cgroup")
OWN = Path("/proc/self/cgroup")


def granted_cpus(cgroups: Path = CGROUPS, own: Path = OWN) -> float:
    """Return how many CPUs' time the groups may use; infinite where nothing limits it.

    Args:
        cgroups: where control groups are mounted.
        own: the file that names this process' control groups.
    """
    return min(map(_quota, _folders("cpu", cgroups, own)), default=math.inf)


def free_memory(cgroups: Path = CGROUPS, own: Path = OWN) -> float:
    """Return how many bytes of memory are left; infinite where nothing limits them.

    Args:
        cgroups: as for `granted_cpus`.
        own: as for `granted_cpus`.
    """
    return min(map(_memory_left, _folders("memory", cgroups, own)), default=math.inf)


def _folders(controller: str, cgroups: Path, own: Path) -> Iterator[Path]:
    """Give the folders of this process' group and of those around it."""
    try:
        entries = [line.split(":", 2) for line in own.read_text().splitlines()]
    except OSError:  # not Linux
        return
    for _, controllers, path in entries:
        if controllers == "":  # version 2, where one tree has all controllers
            roots = [cgroups]
        elif controller in controllers.split(","):
            roots = [cgroups / controllers, cgroups / controller]
        else:
            continue
        for root in roots:
            group = root / path.lstrip("/")
            for folder in (group, *group.parents):
                yield folder
                if folder == root:
                    break


def _quota(folder: Path) -> float:
    """Read how many CPUs' time a group may use."""
    try:
        if (folder / "cpu.max").exists():
            quota, period = (folder / "cpu.max").read_text().split()
        else:
            quota = (folder / "cpu.cfs_quota_us").read_text()
            period = (folder / "cpu.cfs_period_us").read_text()
        allowed = float(quota) / float(period)
    except (OSError, ValueError, ZeroDivisionError):  # no such group, or "max"
        return math.inf
    return allowed if allowed > 0 else math.inf


def _memory_left(folder: Path) -> float:
    """Read how much of its memory a group has not used; caches that can be dropped do not count."""
    limits = [
        _number(folder / name) for name in ("memory.max", "memory.high", "memory.limit_in_bytes")
    ]
    limit = min(each for each in (*limits, math.inf) if not math.isnan(each))
    for name in ("memory.current", "memory.usage_in_bytes"):
        used = _number(folder / name)
        if not math.isnan(used):
            return max(limit - max(used - _droppable(folder), 0), 0)
    return math.inf


def _droppable(folder: Path) -> float:
    """Read how much of a group's memory holds parts of files that nobody has used for long."""
    try:
        lines = (folder / "memory.stat").read_text().splitlines()
        counts = {name: float(count) for name, count in (line.split() for line in lines)}
    except (OSError, ValueError):
        return 0
    return counts.get("total_inactive_file", counts.get("inactive_file", 0))


def _number(file: Path) -> float:
    try:
        return float(file.read_text())
    except (OSError, ValueError):  # no such file, or "max"
        return math.nan
