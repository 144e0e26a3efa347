"""Two processes with half the batch each do what one does with the whole."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

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
def test_a_run_of_two_is_not_resumed_by_one(folders: Path) -> None:
    train(folders, "two", 2)

    told = train(folders, "two", 1, "--steps", "6", "--override")

    assert "made by 2 processes, now there are 1" in told[0]
    assert "Resume with as many processes as before." in told[0]


@pytest.mark.slow
def test_a_batch_that_cannot_be_shared_is_an_error(folders: Path) -> None:
    told = train(folders, "two", 2, "--batch", "3")

    assert "batch 3, of which 2 made: not even for 2" in told[0]
