import cv2
import numpy as np
import pytest
import torch

from photoenhance.errors import ConfigError, DeviceError
from photoenhance.imaging.photo import Photo
from photoenhance.inference import device as device_module
from photoenhance.inference.device import choose, is_out_of_memory, keep_digits
from photoenhance.inference.enhancer import Enhancer

UNKNOWN = [
    *("gpu", "abacus", "", "CPU", "cpu:1", "meta", "xla", "vulkan", "cuda:", "cuda:x", "cuda:-1"),
    *("cuda:1.0", "mps:0", " cuda", "cuda\n", "auto:0"),
]


def test_auto_chooses_what_there_is() -> None:
    assert choose("auto").type in ("cpu", "cuda", "mps")


@pytest.mark.parametrize("name", UNKNOWN)
def test_a_name_that_no_device_has_is_a_wrong_option(name: str) -> None:
    with pytest.raises(ConfigError) as raised:
        choose(name)

    assert (
        raised.value.message == f"device {name}: unknown, expected auto, cpu, cuda, cuda:N or mps"
    )
    assert raised.value.hint == "Correct --device."


@pytest.mark.parametrize("name", ["cuda", "cuda:0", "cuda:1", "cuda:300", f"cuda:{10**30}", "mps"])
def test_a_device_that_is_not_here_is_a_device_error(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)

    with pytest.raises(DeviceError, match=f"device {name}: not available on this machine"):
        choose(name)


def test_one_of_several_gpus_can_be_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)

    assert choose("cuda") == torch.device("cuda")
    assert choose("cuda:1") == torch.device("cuda", 1)
    with pytest.raises(DeviceError):
        choose("cuda:2")


def test_whoever_chooses_a_device_computes_with_all_digits_and_granted_threads(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    limited: list[bool] = []
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", True)
    monkeypatch.setattr(device_module, "limit_threads", lambda: limited.append(True))

    choose("cuda")

    assert not torch.backends.cudnn.allow_tf32
    assert limited


def test_only_nvidias_gpus_are_told_to_keep_digits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", True)

    keep_digits(torch.device("cpu"))
    before = torch.backends.cudnn.allow_tf32
    keep_digits(torch.device("cuda"))

    assert before
    assert not torch.backends.cudnn.allow_tf32


def too_much(make) -> Exception:
    with pytest.raises(Exception) as raised:  # noqa: PT011 (whatever this machine raises)
        make()
    return raised.value


@pytest.mark.parametrize(
    "make",
    [
        lambda: torch.empty(1 << 55, dtype=torch.uint8),
        lambda: np.empty(1 << 55, np.uint8),
        lambda: bytearray(1 << 60),
        lambda: cv2.resize(np.zeros((1, 1), np.uint8), (1 << 30, 1 << 20)),
    ],
)
def test_a_lack_of_memory_is_recognised_on_this_machine(make) -> None:
    assert is_out_of_memory(too_much(make))


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (
            RuntimeError(
                "[enforce fail at alloc_cpu.cpp:127] err == 0. DefaultCPUAllocator: can't allocate "
                "memory: you tried to allocate 1541890560 bytes. Error code 12 (Cannot allocate "
                "memory)"
            ),
            True,
        ),
        (
            RuntimeError(
                "[enforce fail at alloc_cpu.cpp:80] data. DefaultCPUAllocator: not enough memory: "
                "you tried to allocate 1541890560 bytes."
            ),
            True,
        ),
        (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."), True),
        (RuntimeError("MPS backend out of memory (MPS allocated: 8.00 GB)"), True),
        (RuntimeError("cuDNN error: CUDNN_STATUS_ALLOC_FAILED"), True),
        (RuntimeError("could not create a primitive"), True),
        (RuntimeError("could not create a primitive descriptor for a convolution"), False),
        (RuntimeError("The size of tensor a (3) must match the size of tensor b (4)"), False),
        (ValueError("out of memory"), False),
    ],
)
def test_a_lack_of_memory_is_recognised_by_its_words(error: Exception, expected: bool) -> None:
    assert is_out_of_memory(error) is expected


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs an NVIDIA GPU")
def test_exact_results_are_those_of_the_cpu(
    generator, draw, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", True)
    photo, device = Photo(draw(300, 400)), choose("cuda")

    expected = Enhancer(generator, choose("cpu"), rendering="strips").enhance(photo).photo.pixels
    found = Enhancer(generator, device, rendering="strips").enhance(photo).photo.pixels
    generator.cpu()

    assert np.abs(found.astype(int) - expected).max() <= 1


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs an NVIDIA GPU")
def test_half_precision_moves_few_samples_by_more_than_a_level(generator, draw) -> None:
    photo, device = Photo(draw(300, 400)), choose("cuda")

    full = Enhancer(generator, device).enhance(photo).photo.pixels.astype(int)
    half = Enhancer(generator, device, precision="fp16").enhance(photo).photo.pixels
    generator.cpu()

    assert (np.abs(half - full) <= 1).mean() >= 0.999
