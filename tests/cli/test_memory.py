"""Memory does not grow with the number of photos."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

PHOTOS = 2000


def resident_mb(process):
    status = Path(f"/proc/{process.pid}/status").read_text().splitlines()
    (line,) = (line for line in status if line.startswith("VmRSS:"))
    return int(line.split()[1]) / 1024


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads Linux's /proc")
def test_memory_stays_flat_over_2000_photos(draw, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    suffixes = ("jpg", "png", "tif", "webp")
    for number in range(PHOTOS):
        size = (40 + number * 7 % 120, 40 + number * 11 % 160)
        draw(f"photos/{number:04}.{suffixes[number % 4]}", size=size)
    command = [sys.executable, "-m", "photoenhance", "enhance", "photos", "--json", "--quiet"]
    curve = []

    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        for line in process.stdout:
            if json.loads(line)["record"] == "file":
                curve.append(resident_mb(process))

    print([round(curve[at]) for at in (0, 99, 499, 999, 1499, 1999)])  # noqa: T201 (with -s)
    assert process.returncode == 0
    assert len(curve) == PHOTOS
    assert max(curve[100:]) - curve[99] < 50
