"""Pictures within their bytes."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from photoenhance.errors import ConfigError
from photoenhance.imaging.photo import Photo
from photoenhance.report.pictures import embedded, linked, pair_bytes


def size(picture):
    with Image.open(io.BytesIO(picture.data)) as image:
        return image.size


@pytest.fixture
def noise():
    """A picture that is hard to compress."""
    rng = np.random.default_rng(3)
    return Photo(rng.integers(0, 256, (300, 400, 3)).astype(np.uint8))


def test_pictures_that_fit_keep_their_size(draw):
    before, after = embedded(Photo(draw(60, 90)), Photo(draw(60, 90)), 1_000_000)

    assert size(before) == size(after) == (90, 60)


def test_pictures_that_do_not_fit_shrink_alike(noise, draw):
    easy = Photo(draw(300, 400))

    before, after = embedded(noise, easy, 20_000)

    assert len(before.data) + len(after.data) <= 20_000
    assert size(before) == size(after)
    assert size(before)[0] > 64


def test_a_page_has_its_bytes_shared_among_its_photos():
    assert pair_bytes(10_000_000, 10) > 10 * pair_bytes(10_000_000, 100) > 0
    assert 100 * pair_bytes(10_000_000, 100) * 4 / 3 < 10_000_000


def test_too_many_photos_for_a_page_are_refused_with_a_way_out():
    with pytest.raises(ConfigError, match=r"^900 photos do not fit into a page of 2\.5 MB$") as e:
        pair_bytes(2_500_000, 900)

    assert "--link" in e.value.hint


def test_links_are_relative_and_safe(tmp_path):
    file = tmp_path / "in" / "a b" / 'x"#?:%.jpg'

    link = linked(file, tmp_path / "out" / "report.html")

    assert link.link == "../in/a%20b/x%22%23%3F%3A%25.jpg"


def test_a_link_cannot_become_another_scheme(tmp_path):
    link = linked(tmp_path / "javascript:alert(1).jpg", tmp_path / "report.html")

    assert link.link.startswith("javascript%3A")


def test_what_browsers_do_not_show_is_not_linked():
    assert linked(Path("a.tif"), Path("report.html")) is None
