"""Every rendering gives the picture that the network gives for the whole photo."""

import numpy as np
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from photoenhance.inference import tiles
from photoenhance.inference.enhancer import Enhancer
from photoenhance.networks.extension import Extension, mirrored

SIDES = st.integers(min_value=16, max_value=200)
TILES = st.sampled_from([16, 48, 64, 112])
BOUNDED = settings(
    max_examples=20,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@given(height=SIDES, width=SIDES, tile=TILES)
@BOUNDED
def test_pieces_agree_with_the_whole_in_float(
    generator, draw, render_in_pieces, height: int, width: int, tile: int
) -> None:
    image = torch.from_numpy(draw(height, width)).permute(2, 0, 1)[None].float() / 255

    with torch.inference_mode():
        whole = generator(image)

    for scheme in generator.schemes(height, width):
        pieces = render_in_pieces(generator, scheme, image, (tile, tile))
        torch.testing.assert_close(pieces, whole, rtol=0, atol=1e-5)


@given(size=st.tuples(SIDES, SIDES), tile=TILES, deep=st.booleans())
@BOUNDED
def test_renderings_agree_in_integers(
    generator, draw, photo_of, size: tuple[int, int], tile: int, deep: bool
) -> None:
    pixels = draw(*size)
    photo = photo_of(pixels.astype(np.uint16) * 257 if deep else pixels)
    cpu = torch.device("cpu")

    whole = Enhancer(generator, cpu, rendering="whole").enhance(photo).photo.pixels
    strips = Enhancer(generator, cpu, rendering="strips", tile=tile).enhance(photo).photo.pixels
    square = Enhancer(generator, cpu, rendering="tiles", tile=tile).enhance(photo).photo.pixels

    step = 2 if deep else 1  # 1e-5 of 65,535 levels is two thirds of a level
    assert np.abs(strips.astype(int) - whole).max() <= step
    assert np.abs(square.astype(int) - whole).max() <= step
    assert (whole != photo.pixels).any()


@given(height=st.integers(1, 40), width=st.integers(1, 40))
@BOUNDED
def test_any_size_from_one_pixel_gives_an_answer(
    generator, draw, photo_of, height: int, width: int
) -> None:
    photo = photo_of(draw(height, width))

    enhanced = Enhancer(generator, torch.device("cpu")).enhance(photo)

    assert enhanced.photo.pixels.shape == (height, width, 3)


@given(
    size=st.tuples(st.integers(2, 60), st.integers(2, 60)),
    tile=st.tuples(st.integers(16, 300), st.integers(16, 300)),
    halo=st.integers(0, 100),
)
def test_interiors_cover_the_image_once_and_keep_within_it(
    size: tuple[int, int], tile: tuple[int, int], halo: int
) -> None:
    height, width = size[0] * 16, size[1] * 16
    seen = np.zeros((height, width), dtype=int)

    for window in tiles.windows((height, width), tile, halo=halo, multiple=16):
        seen[window.inner_rows, window.inner_columns] += 1
        rows, columns = window.interior
        assert window.rows.start + rows.start == window.inner_rows.start
        assert window.inner_rows.start - window.rows.start in (halo, window.inner_rows.start)
        assert window.columns.start + columns.stop == window.inner_columns.stop
        assert window.rows.start >= 0
        assert window.rows.stop <= height
        assert window.inner_rows.stop - window.inner_rows.start <= max(tile[0], 16)
        assert window.inner_columns.start % 16 == 0

    assert (seen == 1).all()


@given(
    length=st.integers(1, 50),
    before=st.integers(0, 120),
    after=st.integers(0, 120),
    repeats_edge=st.booleans(),
)
def test_mirroring_is_that_of_numpy(
    length: int, before: int, after: int, repeats_edge: bool
) -> None:
    line = np.arange(length)
    mode = "symmetric" if repeats_edge else "reflect"

    places = mirrored(slice(-before, length + after), length, repeats_edge=repeats_edge)

    expected = np.pad(line, (before, after), mode=mode if length > 1 else "edge")
    np.testing.assert_array_equal(line[places], expected)


@given(
    size=st.tuples(st.integers(1, 40), st.integers(1, 40)),
    rows=st.tuples(st.integers(0, 20), st.integers(0, 20)),
    columns=st.tuples(st.integers(0, 20), st.integers(0, 20)),
    repeats_edge=st.booleans(),
)
def test_cropping_undoes_an_extension(
    size: tuple[int, int], rows: tuple[int, int], columns: tuple[int, int], repeats_edge: bool
) -> None:
    image = torch.rand(1, 3, *size)
    extension = Extension(rows, columns, repeats_edge)

    extended = extension.extend(image)

    assert extended.shape[2:] == extension.size(*size)
    assert torch.equal(extension.crop(extended), image)
