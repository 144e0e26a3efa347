"""How many threads to compute with: no more than the CPUs that this process was given."""

import math
import os

import torch

from photoenhance.inference import cgroups


def limit_threads() -> None:
    """Let torch use as many threads as there are CPUs for this process, or as the user asked for.

    Torch counts the machine's CPUs, also in a container that may use only some of their time;
    more threads than that wait for each other.
    """
    if "OMP_NUM_THREADS" not in os.environ:
        torch.set_num_threads(min(torch.get_num_threads(), granted_cpus()))


def granted_cpus() -> int:
    """Return how many CPUs this process may keep busy, by its affinity and its control groups."""
    cpus = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return max(math.ceil(min(float(cpus or 1), cgroups.granted_cpus())), 1)
