import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from photoenhance.errors import ConfigError, DeviceError
from photoenhance.training.distributed import Processes, joined

REPOSITORY = Path(__file__).parents[3]


def test_a_process_alone_is_no_group(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WORLD_SIZE", raising=False)

    with joined() as processes, processes.connected(torch.device("cpu")) as device:
        assert processes == Processes(rank=0, count=1)
        assert device == torch.device("cpu")
        assert processes.agreed(True, False) == (True, False)


def test_one_card_for_several_processes_is_refused() -> None:
    processes = Processes(rank=0, count=2)

    with (
        pytest.raises(ConfigError, match="device cuda:1: one card for several processes"),
        processes.connected(torch.device("cuda", 1)),
    ):
        pass


def test_more_processes_than_cards_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOCAL_RANK", "2")
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)

    with (
        pytest.raises(DeviceError, match="2 cards for more processes") as raised,
        Processes(rank=2, count=3).connected(torch.device("cuda")),
    ):
        pass

    assert "--nproc-per-node=2" in raised.value.hint


AGREE = """
import torch
from photoenhance.networks.enlightengan import EnlightenGANConfig, EnlightenGANGenerator
from photoenhance.training.distributed import joined

with joined() as processes, processes.connected(torch.device("cpu")):
    network = EnlightenGANGenerator(EnlightenGANConfig(width=4))
    network.bn1_1.running_mean.fill_(processes.rank + 1)
    network.bn1_1.weight.data.fill_(processes.rank + 1)
    processes.average_statistics(network)
    agreed = processes.agreed(processes.rank == 1, False)
    values = [each.unique().tolist() for each in (network.bn1_1.running_mean, network.bn1_1.weight)]
    print(*values, agreed)
"""


def test_processes_agree_on_running_statistics_and_on_wishes() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    running = []
    for rank in ("0", "1"):
        group = {"RANK": rank, "WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
        environment = {**os.environ, "PYTHONPATH": str(REPOSITORY), "OMP_NUM_THREADS": "1", **group}
        running.append(
            subprocess.Popen([sys.executable, "-c", AGREE], env=environment, stdout=subprocess.PIPE)
        )

    told = [process.communicate(timeout=120)[0].decode().strip() for process in running]

    assert told == ["[1.5] [1.0] (True, False)", "[1.5] [2.0] (True, False)"]
