import math
import os

import pytest
import torch

from photoenhance.inference import cgroups, threads
from photoenhance.inference.threads import granted_cpus, limit_threads


@pytest.mark.parametrize(
    ("quota", "expected"), [(math.inf, 12), (2.5, 3), (0.2, 1), (12, 12), (64, 12)]
)
def test_the_affinity_and_the_quota_limit_the_cpus(
    monkeypatch: pytest.MonkeyPatch, quota: float, expected: int
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(12)), raising=False)
    monkeypatch.setattr(cgroups, "granted_cpus", lambda: quota)

    assert granted_cpus() == expected


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
