"""A long run through all that a night may bring."""

import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from PIL import Image

from photoenhance.training import state

REPOSITORY = Path(__file__).parents[2]
STEPS = 2000
SETTINGS = (
    *("--recipe", "photo", "--width", "8", "--crop", "80", "--batch", "2"),
    *("--set", "losses.fidelity=0", "--set", "pool=8", "--set", "validation.every=250"),
    *("--precision", "fp32", "--save-every", "100", "--steps", str(STEPS), "--target", "target"),
)


@pytest.fixture
def folder(tmp_path: Path, draw) -> Path:
    (tmp_path / "target").mkdir()
    for k in range(12):
        Image.fromarray(draw(84 + k, 100)).save(tmp_path / "target" / f"{k:02}.png")
    return tmp_path


def start(
    folder: Path, output: str, before: Callable[[], None] | None = None
) -> subprocess.Popen[str]:
    environment = {
        **os.environ,
        "PYTHONPATH": str(REPOSITORY),
        "PHOTOENHANCE_OFFLINE": "1",
        "OMP_NUM_THREADS": "1",
    }
    command = [sys.executable, "-m", "photoenhance", "train", *SETTINGS, "-o", output]
    return subprocess.Popen(
        command,
        cwd=folder,
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=before,  # noqa: PLW1509 (this process has no threads of its own)
    )


def has_reached(run: Path, step: int) -> bool:
    newest = state.latest(run)
    return newest is not None and state.step_of(newest) >= step


def send_after(running: subprocess.Popen[str], run: Path, step: int, sign: int) -> int:
    """Send a signal somewhere after a step, and return how the run ends."""
    while not has_reached(run, step):
        assert running.poll() is None, running.communicate()[1]
        time.sleep(0.01)
    time.sleep(0.3)
    running.send_signal(sign)
    running.communicate(timeout=30)
    return running.returncode


def full_disk() -> None:
    """Let no file grow beyond what a model takes, so that no state fits."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2_000_000, 2_000_000))


@pytest.mark.slow
def test_a_night_with_a_kill_a_full_disk_and_a_shutdown_ends_in_the_same_bytes(
    folder: Path,
) -> None:
    undisturbed = start(folder, "through")
    undisturbed.communicate()
    run = folder / "night"

    killed = send_after(start(folder, "night"), run, 200, signal.SIGKILL)
    shut_down = send_after(start(folder, "night"), run, 700, signal.SIGTERM)
    before = {path.name: path.read_bytes() for path in run.glob("*.safetensors")}
    full = start(folder, "night", before=full_disk)
    stderr = full.communicate()[1]
    after = {path.name: path.read_bytes() for path in run.glob("*.safetensors")}
    killed_again = send_after(start(folder, "night"), run, 1300, signal.SIGKILL)
    last = start(folder, "night")
    last.communicate()

    assert undisturbed.returncode == last.returncode == 0
    assert (killed, shut_down, killed_again) == (-signal.SIGKILL, 130, -signal.SIGKILL)
    assert full.returncode == 1
    assert "Error: " in stderr
    assert "Traceback" not in stderr
    assert before == after
    model = "generator.safetensors"
    assert (run / model).read_bytes() == (folder / "through" / model).read_bytes()
    ends = (state.path_of(each, STEPS) for each in (folder / "through", run))
    assert equal(*(state.read(end).parts for end in ends))


def equal(one: object, other: object) -> bool:
    """Whether two nested states are equal bit for bit."""
    match one, other:
        case torch.Tensor(), torch.Tensor():
            return torch.equal(one, other)
        case dict(), dict():
            return one.keys() == other.keys() and all(equal(one[key], other[key]) for key in one)
        case ((list() | tuple()), (list() | tuple())):
            return len(one) == len(other) and all(map(equal, one, other))
        case _:
            return one == other
