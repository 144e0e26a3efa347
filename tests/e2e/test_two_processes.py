"""Two processes with half the batch each do what one does with the whole."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
import torch
from PIL import Image

from photoenhance.training import curves, state

REPOSITORY = Path(__file__).parents[2]
SETTINGS = (
    *("--recipe", "uegan", "--width", "8", "--crop", "80", "--batch", "4", "--steps", "4"),
    *("--set", "losses.fidelity_layers=['relu1_1']", "--set", "made=2"),
    *("--set", "losses.reconstruction=1.0", "--set", "validation.every=0"),
    *("--set", "optimiser.clip=1.0", "--precision", "fp32", "--save-every", "2"),
)


@pytest.fixture
def folders(tmp_path: Path, draw) -> Path:
    for name in ("target", "source"):
        (tmp_path / name).mkdir()
        for k in range(4):
            Image.fromarray(draw(84 + k, 100)).save(tmp_path / name / f"{k}.png")
    return tmp_path


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def train(folders: Path, output: str, processes: int, *more: str) -> list[str]:
    """Run the command as torchrun would start it; return what each process wrote on stderr."""
    port, running = str(free_port()), []
    for rank in range(processes):
        environment = {
            **os.environ,
            "PYTHONPATH": str(REPOSITORY),
            "PHOTOENHANCE_OFFLINE": "1",
            "OMP_NUM_THREADS": "1",
        }
        if processes > 1:
            environment |= {
                "RANK": str(rank),
                "LOCAL_RANK": str(rank),
                "WORLD_SIZE": str(processes),
                "MASTER_ADDR": "127.0.0.1",
                "MASTER_PORT": port,
            }
        command = [sys.executable, "-m", "photoenhance", "train", *SETTINGS, *more]
        command += ["--target", "target", "--source", "source", "-o", output]
        running.append(
            subprocess.Popen(
                command, cwd=folders, env=environment, stderr=subprocess.PIPE, text=True
            )
        )
    return [process.communicate(timeout=300)[1] for process in running]


def terms(folder: Path) -> list[dict[str, float]]:
    lines = (folder / curves.LOG).read_text().splitlines()
    records = [json.loads(line) for line in lines]
    return [record["terms"] for record in records if record["event"] == "Progress"]


def test_two_halves_of_a_batch_are_one_whole(folders: Path) -> None:
    train(folders, "one", 1)

    told = train(folders, "two", 2)

    one, two = terms(folders / "one"), terms(folders / "two")
    assert len(one) == len(two) == 1
    assert one[0].keys() == two[0].keys()
    for name, value in one[0].items():
        assert two[0][name] == pytest.approx(value, rel=1e-5, abs=1e-6), name
    first, second = (
        state.read(state.latest(folders / name)).parts["average"]["network"]
        for name in ("one", "two")
    )
    for name, tensor in first.items():
        torch.testing.assert_close(second[name], tensor, rtol=0, atol=1e-4)
    assert "2 processes" in told[0]
    assert told[1] == ""


@pytest.mark.slow
def test_a_run_of_two_is_resumed_by_one_when_that_is_wished(folders: Path) -> None:
    train(folders, "two", 2)

    refused = train(folders, "two", 1, "--steps", "6")
    resumed = train(folders, "two", 1, "--steps", "6", "--override")

    change = "processes: 2 -> 1 (the pools of earlier images begin anew)"
    assert change in refused[0]
    assert "--override" in refused[0]
    assert change in resumed[0]
    assert state.step_of(state.latest(folders / "two")) == 6


def torchrun(folders: Path, *more: str) -> subprocess.Popen[str]:
    """Start the README's command for several processes."""
    environment = {
        **os.environ,
        "PYTHONPATH": str(REPOSITORY),
        "PHOTOENHANCE_OFFLINE": "1",
        "OMP_NUM_THREADS": "1",
    }
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node=2"]
    command += ["--master-port", str(free_port()), "-m", "photoenhance", "train"]
    command += ["--target", "target", "--source", "source", "-o", "run", *more]
    return subprocess.Popen(
        command, cwd=folders, env=environment, stderr=subprocess.PIPE, text=True
    )


TINY = ("--width", "8", "--crop", "80", "--set", "losses.fidelity_layers=['relu1_1']")
ENDLESS = ("--recipe", "photo", *TINY, "--batch", "4", "--set", "made=2", "--steps", "100000")


def workers_of(running: subprocess.Popen[str]) -> list[psutil.Process]:
    """The processes that torchrun has started, by rank."""
    started = psutil.Process(running.pid).children(recursive=True)
    return sorted(
        (each for each in started if "RANK" in each.environ()),
        key=lambda each: int(each.environ()["RANK"]),
    )


def until(is_true: Callable[[], object], running: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 180
    while not is_true():
        assert running.poll() is None, running.communicate()[1]
        assert time.monotonic() < deadline
        time.sleep(0.05)


def messages(stderr: str) -> list[str]:
    """What our processes say of an end."""
    beginnings = ("Error: ", "Interrupted", "photoenhance: a mistake of ours")
    return [line for line in stderr.splitlines() if line.startswith(beginnings)]


@pytest.mark.slow
def test_the_readmes_command_shares_a_run_with_an_odd_batch(folders: Path) -> None:
    running = torchrun(folders, "--recipe", "photo", *TINY, "--batch", "5", "--steps", "2")

    stderr = running.communicate(timeout=300)[1]

    assert running.returncode == 0, stderr
    assert "batch: 6 instead of 5 (4 made of targets, 2 of --source), which 2 processes" in stderr
    assert (folders / "run" / "generator.safetensors").exists()


@pytest.mark.slow
def test_a_killed_process_ends_the_others_with_one_message_and_the_run_goes_on(
    folders: Path,
) -> None:
    running = torchrun(folders, *ENDLESS, "--save-every", "2")
    until(lambda: state.latest(folders / "run"), running)

    workers_of(running)[1].kill()
    stderr = running.communicate(timeout=60)[1]

    assert running.returncode == 1
    assert messages(stderr) == ["Error: another process of the run has ended"]
    assert "photoenhance/training" not in stderr  # torchrun's own traceback is its own
    step = state.step_of(state.latest(folders / "run"))
    assert state.read(state.latest(folders / "run")).step == step


@pytest.mark.slow
def test_an_error_of_one_process_is_said_once(folders: Path) -> None:
    running = torchrun(folders, *ENDLESS, "--set", "optimiser.generator_rate=1e30")

    stderr = running.communicate(timeout=120)[1]

    assert running.returncode == 1
    assert len(messages(stderr)) == 1, stderr


@pytest.mark.slow
@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_saves_a_shared_run_at_once(folders: Path, sign: signal.Signals) -> None:
    running = torchrun(folders, *ENDLESS, "--save-every", "2")
    until(lambda: state.latest(folders / "run"), running)

    for worker in workers_of(running):  # as a terminal does, which torchrun then does once more
        worker.send_signal(sign)
    running.send_signal(sign)
    begun = time.monotonic()
    stderr = running.communicate(timeout=60)[1]

    assert time.monotonic() - begun < 10
    saved = state.latest(folders / "run")
    assert saved is not None, stderr
    assert f"Interrupted after step {state.step_of(saved)}" in stderr
