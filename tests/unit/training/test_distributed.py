import pytest
import torch

from photoenhance.errors import ConfigError, DeviceError
from photoenhance.training.distributed import Processes, joined


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
