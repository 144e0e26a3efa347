import struct

import numpy as np
import pytest

from photoenhance.imaging import profile


def parametric(kind, *numbers):
    packed = struct.pack(f">{len(numbers)}i", *[round(number * 65536) for number in numbers])
    return b"para\0\0\0\0" + struct.pack(">HH", kind, 0) + packed


@pytest.mark.parametrize(
    ("tag", "light"),
    [
        (parametric(0, 2.0), 0.25),
        (parametric(1, 2.0, 0.9, 0.1), 0.55**2),
        (parametric(2, 2.0, 0.8, 0.1, 0.05), 0.5**2 + 0.05),
        (parametric(3, 2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045), 0.21404),
        (parametric(4, 2.0, 0.9, 0.05, 0.5, 0.1, 0.02, 0.01), 0.5**2 + 0.02),
        (b"curv\0\0\0\0\0\0\0\0", 0.5),
        (b"curv\0\0\0\0\0\0\0\x01\x02\x00", 0.25),
        (b"curv\0\0\0\0" + struct.pack(">I3H", 3, 0, 16384, 65535), 0.25),
    ],
)
def test_each_kind_of_curve_is_what_its_formula_says_and_has_a_way_back(tag, light):
    curve = profile._curve(tag)

    middle = curve.linear(np.array([0.5]))
    high = np.linspace(0.2, 1, 50)

    assert middle[0] == pytest.approx(light, abs=1e-4)
    np.testing.assert_allclose(curve.encoded(curve.linear(high)), high, atol=2e-4)


@pytest.mark.parametrize(
    "tag",
    [
        b"",
        b"curv\0\0\0\0\0\0\0\x09\0\0",
        b"curv\0\0\0\0\0\0\0\x01\0\0",
        b"curv\0\0\0\0" + struct.pack(">I3H", 3, 65535, 9, 0),
        parametric(0, 0.0),
        parametric(3, 2.4, 1.0),
        b"para\0\0\0\0\0\x09\0\0",
        b"XYZ \0\0\0\0",
    ],
)
def test_a_damaged_curve_is_a_value_error(tag):
    with pytest.raises(ValueError, match=r"curve|gamma"):
        profile._curve(tag)


def test_a_profile_without_a_colorant_is_refused(profile_of):
    with pytest.raises(ValueError, match="no tag"):
        profile.parse(profile_of("adobe").replace(b"gXYZ", b"none"))


def test_a_profile_whose_matrix_has_no_way_back_is_refused(profile_of):
    whole = profile_of("adobe")
    (start,) = struct.unpack_from(">I", whole, whole.index(b"rXYZ") + 4)

    with pytest.raises(ValueError, match="matrix"):
        profile.parse(whole[: start + 8] + bytes(12) + whole[start + 20 :])
