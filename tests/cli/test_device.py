"""`--device` means the same in every command."""

import pytest

from photoenhance.errors import DeviceError
from photoenhance.inference import device as device_module

COMMANDS = {
    "enhance": ["enhance", "photos", "-o", "out"],
    "evaluate": ["evaluate", "--inputs", "photos"],
    "evaluate with a model": ["evaluate", "--inputs", "photos", "--model", "{model}"],
    "train": ["train", "--target", "photos", "-o", "run", "--steps", "1"],
    "train check": ["train", "check", "--target", "photos"],
    "doctor": ["doctor", "--model", "{model}", "--no-self-test"],
}


@pytest.fixture(params=COMMANDS)
def command(request, draw, model):
    draw(*(f"photos/{k}.png" for k in range(4)), size=(96, 96))
    return [each.format(model=model) for each in COMMANDS[request.param]]


@pytest.mark.parametrize(
    ("device", "code", "message"),
    [
        ("gpu", 2, "device gpu: unknown, expected auto, cpu, cuda, cuda:N or mps"),
        ("cuda:99", 4, "device cuda:99: not available on this machine"),
    ],
)
def test_a_wrong_name_exits_2_and_an_absent_device_4(cli, command, device, code, message):
    ended = cli(*command, "--device", device)

    assert ended.code == code
    assert message in ended.err + ended.out
    assert "Traceback" not in ended.err


def test_every_command_limits_its_threads_and_keeps_all_digits(cli, command, monkeypatch):
    """Whoever chooses a device does so: see the unit tests. Nothing else needs to be run here."""

    def stop():
        raise DeviceError("threads are limited")

    monkeypatch.setattr(device_module, "limit_threads", stop)

    ended = cli(*command, "--device", "cpu")

    assert ended.code == 4
    assert "threads are limited" in ended.err + ended.out
