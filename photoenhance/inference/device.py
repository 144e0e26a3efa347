"""The asked device, or an error; never a silent fallback."""

import re

import cv2
import torch

from photoenhance.errors import ConfigError, DeviceError
from photoenhance.inference.threads import limit_threads

# As which a lack of memory is raised, among other things.
MEMORY_ERRORS = (MemoryError, RuntimeError, cv2.error)
# What is said where there is no class for it: by torch on Linux and macOS, on Windows, on Apple's
# GPU, by NVIDIA's libraries, by oneDNN about its code and its buffers, and by OpenCV.
_OUT_OF_MEMORY = re.compile(
    r"can't allocate memory|not enough memory|out of memory|std::bad_alloc|_STATUS_ALLOC_FAILED"
    r"|could not create a (?:primitive(?! descriptor)|memory object)|Insufficient memory"
)
_NAME = re.compile(r"auto|cpu|mps|cuda(?::(?P<number>[0-9]+))?")


def choose(name: str) -> torch.device:
    """Return the device of this name, and set torch up for computing on it.

    Only `auto` may choose: CUDA where there is one, else Apple's GPU, else the CPU. Every command
    comes by its device here, so in all of them fp32 has all its digits, and there are no more
    threads than this process was granted CPUs.

    Args:
        name: auto, cpu, cuda, cuda:N or mps.

    Raises:
        ConfigError: no device has such a name.
        DeviceError: there is no such device here.
    """
    match = _NAME.fullmatch(name)
    if match is None:
        msg = f"device {name}: unknown, expected auto, cpu, cuda, cuda:N or mps"
        raise ConfigError(msg, hint="Correct --device.")
    number = match["number"]
    kind = _best() if name == "auto" else name.partition(":")[0]
    if not _is_present(kind, int(number or 0)):
        msg = f"device {name}: not available on this machine"
        raise DeviceError(msg, hint="Choose another --device, or auto.")
    device = torch.device(kind, int(number)) if number else torch.device(kind)
    keep_digits(device)
    limit_threads()
    return device


def keep_digits(device: torch.device) -> None:
    """Let fp32 mean what it says on NVIDIA's GPUs: 24 bits of mantissa, 11 only where asked for.

    Torch's default is TF32 for convolutions, whose inputs lose 13 bits. That is up to a few 8-bit
    levels after a network, and exact results would differ from device to device. Matrix products
    keep theirs by torch's own default.
    """
    if device.type == "cuda":
        torch.backends.cudnn.allow_tf32 = False


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that a device, or the machine itself, has too little memory."""
    # NumPy's error is a MemoryError, CUDA's has a class of its own; the others have only words.
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    return isinstance(error, MEMORY_ERRORS) and bool(_OUT_OF_MEMORY.search(str(error)))


def _best() -> str:
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def _is_present(kind: str, number: int) -> bool:
    match kind:
        case "cuda":
            return torch.cuda.is_available() and number < torch.cuda.device_count()
        case "mps":
            return torch.backends.mps.is_available()
        case _:
            return True
