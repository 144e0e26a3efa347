"""CRC-32C of large arrays in NumPy, as TensorFlow's checkpoints carry it for every tensor.

Source: Castagnoli, Braeuer and Herrmann 1993, polynomial 0x1EDC6F41, here in reverse; RFC 3720,
appendix B.4, has test vectors.
"""

import numpy as np
from numpy.typing import NDArray

_POLYNOMIAL = 0x82F63B78
_ONES = 0xFFFFFFFF
_FEW = 4096  # bytes below which lanes are not worth their bookkeeping


def _table() -> NDArray[np.uint32]:
    """What each value of the lowest byte does to the register."""
    values = np.arange(256, dtype=np.uint32)
    for _ in range(8):
        values = np.where(values & 1, (values >> 1) ^ np.uint32(_POLYNOMIAL), values >> 1)
    return values


def masked_crc32c(data: bytes | memoryview) -> int:
    """The checksum of bytes as TensorFlow stores it: turned right by 15 bits, plus a constant.

    Source: LevelDB's table format, whose mask keeps sums of sums apart.
    """
    crc = crc32c(data)
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & _ONES


def crc32c(data: bytes | memoryview) -> int:
    """The checksum of bytes.

    The bytes are cut into as many lanes as each has bytes; all lanes advance together, and their
    registers are then joined: a register that sees zeros only is a linear function of its start.
    """
    content = np.frombuffer(data, np.uint8)
    side = int(len(content) ** 0.5) if len(content) >= _FEW else 0
    lanes = content[: side * side].reshape(side, side)
    table = _table()
    registers = np.zeros(side, np.uint32)
    for column in range(side):
        registers = table[(registers ^ lanes[:, column]) & 0xFF] ^ (registers >> 8)
    crc = _joined(registers, _advance(side, table))
    steps = table.tolist()
    for byte in content[side * side :].tolist():
        crc = steps[(crc ^ byte) & 0xFF] ^ (crc >> 8)
    return crc ^ _ONES


def _advance(zeros: int, table: NDArray[np.uint32]) -> list[int]:
    """What each single bit of a register becomes after that many zero bytes."""
    registers = np.uint32(1) << np.arange(32, dtype=np.uint32)
    for _ in range(zeros):
        registers = table[registers & 0xFF] ^ (registers >> 8)
    return registers.tolist()


def _joined(registers: NDArray[np.uint32], advance: list[int]) -> int:
    """The register after all lanes in turn, begun with ones."""
    crc = _ONES
    for register in registers.tolist():
        moved = 0
        for bit in range(32):
            if crc >> bit & 1:
                moved ^= advance[bit]
        crc = moved ^ register
    return crc
