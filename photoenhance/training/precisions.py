"""Which arithmetic a device is fast in."""

from typing import Literal

import torch


def best(device: torch.device) -> Literal["fp32", "bf16"]:
    """Return "bf16" where the device computes it in hardware, else "fp32"."""
    if device.type == "cuda":
        return "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "fp32"
    if device.type == "cpu":
        flags = torch.backends.cpu.get_cpu_capability()
        has_products = torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
        return "bf16" if flags.startswith("AVX512") and has_products else "fp32"
    return "fp32"
