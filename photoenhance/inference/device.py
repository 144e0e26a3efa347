"""The asked device, or an error; never a silent fallback."""

import torch

from photoenhance.errors import DeviceError


def choose(name: str) -> torch.device:
    """Return the device of this name: auto, cpu, cuda, cuda:N or mps.

    Only `auto` may choose: CUDA where there is one, else Apple's GPU, else the CPU.

    Raises:
        DeviceError: there is no such device here.
    """
    if name == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError as error:
        msg = f"device {name}: unknown, expected auto, cpu, cuda, cuda:N or mps"
        raise DeviceError(msg, hint="Correct --device.") from error
    if not _is_present(device):
        msg = f"device {name}: not available on this machine"
        raise DeviceError(msg, hint="Choose another --device, or auto.")
    return device


def keep_digits(device: torch.device) -> None:
    """Let fp32 mean what it says on NVIDIA's GPUs: 24 bits of mantissa, 11 only where asked for.

    Torch's default is TF32 for convolutions, whose inputs lose 13 bits. That is up to a few 8-bit
    levels after a network, and exact results would differ from device to device. Matrix products
    keep theirs by torch's own default.
    """
    if device.type == "cuda":
        torch.backends.cudnn.allow_tf32 = False


def _is_present(device: torch.device) -> bool:
    match device.type:
        case "cpu":
            return device.index is None
        case "cuda":
            return torch.cuda.is_available() and (device.index or 0) < torch.cuda.device_count()
        case "mps":
            return torch.backends.mps.is_available()
        case _:
            return False
