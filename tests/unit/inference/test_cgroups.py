"""Trees of control groups, of both versions."""

import math
from pathlib import Path

import pytest

from photoenhance.inference.cgroups import free_memory, granted_cpus

GIB = 1 << 30


@pytest.fixture
def groups(tmp_path):
    """Write a tree of control groups and the file that names the process' own."""

    def write(own: str, files: dict[str, object]) -> tuple[Path, Path]:
        (tmp_path / "own").write_text(own)
        for path, content in files.items():
            file = tmp_path / "cgroup" / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(f"{content}\n")
        return tmp_path / "cgroup", tmp_path / "own"

    return write


@pytest.mark.parametrize(
    ("own", "files", "cpus"),
    [
        ("0::/\n", {"cpu.max": "max 100000"}, math.inf),
        ("0::/\n", {"cpu.max": "250000 100000"}, 2.5),
        ("0::/a/b\n", {"a/cpu.max": "150000 100000", "a/b/cpu.max": "max 100000"}, 1.5),
        ("0::/a/b\n", {"a/cpu.max": "max 100000", "a/b/cpu.max": "50000 100000"}, 0.5),
        ("0::/a\n", {"other/cpu.max": "50000 100000"}, math.inf),
        (
            "9:memory:/\n4:cpu,cpuacct:/job\n",
            {
                "cpu,cpuacct/job/cpu.cfs_quota_us": 400_000,
                "cpu,cpuacct/job/cpu.cfs_period_us": 100_000,
            },
            4,
        ),
        (
            "4:cpuacct,cpu:/\n",
            {"cpu/cpu.cfs_quota_us": -1, "cpu/cpu.cfs_period_us": 100_000},
            math.inf,
        ),
    ],
)
def test_the_tightest_quota_of_nested_groups_counts(groups, own, files, cpus) -> None:
    assert granted_cpus(*groups(own, files)) == cpus


@pytest.mark.parametrize(
    ("own", "files", "free"),
    [
        ("0::/\n", {"memory.max": "max", "memory.current": GIB}, math.inf),
        ("0::/\n", {"memory.max": 4 * GIB, "memory.current": GIB}, 3 * GIB),
        (  # Slurm, systemd-run -p MemoryMax: the root itself has no limit
            "0::/system.slice/job_7\n",
            {
                "memory.stat": "anon 1",
                "system.slice/memory.max": "max",
                "system.slice/memory.current": 9 * GIB,
                "system.slice/job_7/memory.max": 2 * GIB,
                "system.slice/job_7/memory.high": "max",
                "system.slice/job_7/memory.current": GIB // 2,
            },
            GIB * 3 // 2,
        ),
        (  # the group around it is nearly full
            "0::/a/b\n",
            {
                "a/memory.max": 8 * GIB,
                "a/memory.current": 7 * GIB,
                "a/b/memory.max": 4 * GIB,
                "a/b/memory.current": GIB,
            },
            GIB,
        ),
        (  # above this, the system slows a group down
            "0::/a\n",
            {"a/memory.max": 8 * GIB, "a/memory.high": 2 * GIB, "a/memory.current": GIB},
            GIB,
        ),
        (  # what only caches files can be dropped
            "0::/a\n",
            {
                "a/memory.max": 4 * GIB,
                "a/memory.current": 4 * GIB,
                "a/memory.stat": f"anon {GIB}\nfile {3 * GIB}\ninactive_file {2 * GIB}",
            },
            2 * GIB,
        ),
        ("0::/a\n", {"a/memory.max": GIB, "a/memory.current": 2 * GIB}, 0),
        (
            "12:pids:/x\n9:memory:/slurm/job_7\n0::/x\n",
            {
                "memory/memory.limit_in_bytes": 9223372036854771712,
                "memory/memory.usage_in_bytes": 20 * GIB,
                "memory/slurm/job_7/memory.limit_in_bytes": 6 * GIB,
                "memory/slurm/job_7/memory.usage_in_bytes": 3 * GIB,
                "memory/slurm/job_7/memory.stat": f"total_inactive_file {GIB}\ninactive_file 5",
            },
            4 * GIB,
        ),
        (  # in a container of version 1, the path is the host's, and the root the container's
            "9:memory:/docker/4f5e\n",
            {
                "memory/memory.limit_in_bytes": 2 * GIB,
                "memory/memory.usage_in_bytes": GIB,
            },
            GIB,
        ),
    ],
)
def test_the_least_memory_of_nested_groups_counts(groups, own, files, free) -> None:
    assert free_memory(*groups(own, files)) == free


def test_elsewhere_than_on_linux_nothing_is_limited(tmp_path) -> None:
    nowhere = (tmp_path / "none", tmp_path / "none")

    assert granted_cpus(*nowhere) == math.inf
    assert free_memory(*nowhere) == math.inf
