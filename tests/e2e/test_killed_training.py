"""A training run that is killed goes on to what it would have been."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from PIL import Image

REPOSITORY = Path(__file__).parents[2]
SETTINGS = (
    *("--recipe", "photo", "--width", "8", "--crop", "80", "--batch", "2", "--steps", "40"),
    *("--set", "losses.fidelity=0", "--set", "validation.every=0", "--set", "pool=4"),
    *("--precision", "fp32", "--save-every", "2", "--target", "target"),
)


@pytest.fixture
def folder(tmp_path: Path, draw) -> Path:
    (tmp_path / "target").mkdir()
    for k in range(4):
        Image.fromarray(draw(84 + k, 100)).save(tmp_path / "target" / f"{k}.png")
    return tmp_path


def start(folder: Path, output: str) -> subprocess.Popen[bytes]:
    environment = {
        **os.environ,
        "PYTHONPATH": str(REPOSITORY),
        "PHOTOENHANCE_OFFLINE": "1",
        "OMP_NUM_THREADS": "1",
    }
    command = [sys.executable, "-m", "photoenhance", "train", *SETTINGS, "-o", output]
    return subprocess.Popen(command, cwd=folder, env=environment, stderr=subprocess.DEVNULL)


def kill_after_a_state(running: subprocess.Popen[bytes], output: Path, sign: int) -> None:
    deadline = time.monotonic() + 120
    while not list(output.glob("state-*.pt")):
        assert running.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.01)
    running.send_signal(sign)
    running.wait(timeout=120)


@pytest.mark.parametrize(
    "sign", [pytest.param(signal.SIGKILL, marks=pytest.mark.slow), signal.SIGTERM]
)
def test_a_killed_run_becomes_what_it_would_have_been(folder: Path, sign: signal.Signals) -> None:
    assert start(folder, "through").wait(timeout=240) == 0
    killed = start(folder, "killed")
    kill_after_a_state(killed, folder / "killed", sign)
    assert killed.returncode == (130 if sign == signal.SIGTERM else -sign)

    ended = start(folder, "killed").wait(timeout=240)

    assert ended == 0
    weights = "generator.safetensors"
    whole = (folder / "through" / weights).read_bytes()
    assert (folder / "killed" / weights).read_bytes() == whole
