"""How many threads to compute with: no more than the CPUs that this process was given."""

import math
import os
from pathlib import Path

import torch

CGROUPS = Path("/sys/fs/cgroup")
OWN = Path("/proc/self/cgroup")


def limit_threads() -> None:
    """Let torch use as many threads as there are CPUs for this process, or as the user asked for.

    Torch counts the machine's CPUs, also in a container that may use only some of their time;
    more threads than that wait for each other.
    """
    if "OMP_NUM_THREADS" not in os.environ:
        torch.set_num_threads(min(torch.get_num_threads(), granted_cpus()))


def granted_cpus(cgroups: Path = CGROUPS, own: Path = OWN) -> int:
    """Return how many CPUs this process may keep busy, by its affinity and its container's quota.

    Args:
        cgroups: where control groups are mounted.
        own: the file that names this process' control group.
    """
    cpus = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    quotas = [_quota(folder) for folder in _folders(cgroups, own)]
    return max(math.ceil(min([float(cpus or 1), *quotas])), 1)


def _folders(cgroups: Path, own: Path) -> list[Path]:
    """List the folders of this process' control group and of those around it."""
    try:
        entries = [line.split(":", 2) for line in own.read_text().splitlines()]
    except OSError:  # not Linux
        return []
    found = []
    for _, controllers, path in entries:
        if controllers == "" or "cpu" in controllers.split(","):
            root = cgroups / controllers
            group = root / path.lstrip("/")
            found += [
                folder for folder in (group, *group.parents) if root in (folder, *folder.parents)
            ]
    return found


def _quota(folder: Path) -> float:
    """Read how many CPUs' time a control group may use; infinite where nothing limits it."""
    try:
        if (folder / "cpu.max").exists():
            quota, period = (folder / "cpu.max").read_text().split()
        else:
            quota = (folder / "cpu.cfs_quota_us").read_text()
            period = (folder / "cpu.cfs_period_us").read_text()
        allowed = float(quota) / float(period)
    except (OSError, ValueError):  # no such group, or "max"
        return math.inf
    return allowed if allowed > 0 else math.inf
