"""One colour transform for a whole photo, whatever was made of its small copy."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from photoenhance.inference import tone

SEEDS = st.integers(min_value=0, max_value=2**32 - 1)
SIDES = st.integers(min_value=1, max_value=12)
BOUNDED = settings(max_examples=50, deadline=None)


def transform(seed: int, height: int, width: int) -> tone.Tone:
    """Fit colours of some range to others that have nothing to do with them."""
    random = np.random.default_rng(seed)
    ranges = np.sort(random.integers(0, 65536, (2, 2, 3)), axis=1)
    copies = [
        random.integers(low, high + 1, (height, width, 3)).astype(np.uint16) for low, high in ranges
    ]
    return tone.fit(*copies)


@given(seed=SEEDS, height=SIDES, width=SIDES, deep=st.booleans())
@BOUNDED
def test_no_grey_becomes_darker_than_a_darker_one(
    seed: int, height: int, width: int, deep: bool
) -> None:
    levels = np.arange(0, 65536, 17, dtype=np.uint16) if deep else np.arange(256, dtype=np.uint8)
    greys = np.repeat(levels[None, :, None], 3, axis=2)

    result = transform(seed, height, width).applied(greys)

    assert (np.diff(result.astype(int), axis=1) >= 0).all()


@given(seed=SEEDS, left=SIDES, top=SIDES, height=SIDES, width=SIDES, deep=st.booleans())
@BOUNDED
def test_a_crop_of_the_result_is_the_result_of_the_crop(
    seed: int, left: int, top: int, height: int, width: int, deep: bool
) -> None:
    dtype = np.uint16 if deep else np.uint8
    random = np.random.default_rng(seed)
    pixels = random.integers(0, np.iinfo(dtype).max + 1, (25, 37, 3)).astype(dtype)
    crop = slice(top, top + height), slice(left, left + width)
    change = transform(seed, 5, 6)

    result = change.applied(pixels[crop], rows=height)

    assert np.array_equal(result, change.applied(pixels)[crop])
