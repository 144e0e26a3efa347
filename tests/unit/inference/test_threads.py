import os
from pathlib import Path

import pytest
import torch

from photoenhance.inference import threads
from photoenhance.inference.threads import granted_cpus, limit_threads


@pytest.fixture
def many_cpus(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(12)), raising=False)


def group(folder: Path, own: str, **files: str) -> tuple[Path, Path]:
    (folder / "own").write_text(own)
    for path, text in files.items():
        file = folder / "cgroup" / path.replace("__", "/").replace("cpu_", "cpu.")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return folder / "cgroup", folder / "own"


def test_without_a_quota_the_affinity_counts(tmp_path: Path, many_cpus: None) -> None:
    places = group(tmp_path, "0::/\n", cpu_max="max 100000\n")

    assert granted_cpus(*places) == 12


def test_a_containers_quota_is_rounded_up(tmp_path: Path, many_cpus: None) -> None:
    places = group(tmp_path, "0::/\n", cpu_max="250000 100000\n")

    assert granted_cpus(*places) == 3


def test_the_tightest_of_nested_groups_counts(tmp_path: Path, many_cpus: None) -> None:
    places = group(
        tmp_path, "0::/a/b\n", a__cpu_max="150000 100000\n", a__b__cpu_max="max 100000\n"
    )

    assert granted_cpus(*places) == 2


def test_quotas_of_the_first_version_are_understood(tmp_path: Path, many_cpus: None) -> None:
    (tmp_path / "own").write_text("4:cpu,cpuacct:/\n")
    folder = tmp_path / "cgroup" / "cpu,cpuacct"
    folder.mkdir(parents=True)
    (folder / "cpu.cfs_quota_us").write_text("400000\n")
    (folder / "cpu.cfs_period_us").write_text("100000\n")

    assert granted_cpus(tmp_path / "cgroup", tmp_path / "own") == 4


def test_elsewhere_than_on_linux_the_cpus_count(tmp_path: Path, many_cpus: None) -> None:
    assert granted_cpus(tmp_path / "none", tmp_path / "none") == 12


@pytest.mark.parametrize(("asked", "expected"), [(None, 1), ("3", 3)])
def test_what_the_user_asks_for_stands(
    monkeypatch: pytest.MonkeyPatch, asked: str | None, expected: int
) -> None:
    found = [3]
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    if asked:
        monkeypatch.setenv("OMP_NUM_THREADS", asked)
    monkeypatch.setattr(threads, "granted_cpus", lambda: 1)
    monkeypatch.setattr(torch, "get_num_threads", lambda: found[-1])
    monkeypatch.setattr(torch, "set_num_threads", found.append)

    limit_threads()

    assert found[-1] == expected
