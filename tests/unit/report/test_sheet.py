"""Contact sheets."""

import numpy as np
import pytest
from PIL import Image, ImageFont

from photoenhance.errors import ImageError
from photoenhance.imaging.photo import Photo
from photoenhance.report.sheet import COLUMNS, PAGE, ROWS, Sheet, _fitting

RED = Photo(np.full((40, 60, 3), (200, 0, 0), np.uint8))
GREEN = Photo(np.full((40, 60, 3), (0, 200, 0), np.uint8))


def count(file, color):
    with Image.open(file) as page:
        return int((np.asarray(page.convert("RGB")) == color).all(axis=2).sum())


def test_a_page_is_a4_with_both_pictures(tmp_path):
    sheet = Sheet(tmp_path / "sheet.png", "Holiday")

    sheet.add("a.jpg", RED, GREEN)
    sheet.close()

    with Image.open(tmp_path / "sheet.png") as page:
        assert page.size == PAGE
        assert page.info["dpi"] == pytest.approx((200, 200), abs=1)
    assert count(tmp_path / "sheet.png", (200, 0, 0)) == 2400
    assert count(tmp_path / "sheet.png", (0, 200, 0)) == 2400


def test_more_pairs_than_a_page_holds_go_on_further_pages(tmp_path):
    sheet = Sheet(tmp_path / "sheet.png", "Holiday")

    for number in range(COLUMNS * ROWS + 1):
        sheet.add(f"{number}.jpg", RED, GREEN)
    sheet.close()

    assert sheet.files == [tmp_path / "sheet.png", tmp_path / "sheet-2.png"]
    assert count(tmp_path / "sheet.png", (200, 0, 0)) == 2400 * COLUMNS * ROWS
    assert count(tmp_path / "sheet-2.png", (200, 0, 0)) == 2400


def test_no_photo_is_no_page(tmp_path):
    sheet = Sheet(tmp_path / "sheet.png", "Holiday")

    sheet.close()

    assert sheet.files == list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["x" * 255, "日本.jpg", "a\nb.jpg", "\udcff.jpg"])
def test_any_name_can_be_written_under_a_picture(tmp_path, name):
    sheet = Sheet(tmp_path / "sheet.png", name)

    sheet.add(name, RED, GREEN)
    sheet.close()

    with Image.open(tmp_path / "sheet.png") as page:
        ink = np.asarray(page.convert("L"))
    assert (ink[:, -90:] == 255).all()
    assert (ink < 128).any()


def test_transparent_photos_lie_on_white_paper(tmp_path):
    sheet = Sheet(tmp_path / "sheet.png", "t")
    clear = Photo(RED.pixels, np.zeros((40, 60), np.uint8))

    sheet.add("a.png", clear, clear)
    sheet.close()

    assert count(tmp_path / "sheet.png", (200, 0, 0)) == 0


def test_a_folder_that_does_not_exist_is_said_so(tmp_path):
    sheet = Sheet(tmp_path / "none" / "sheet.png", "t")
    sheet.add("a.png", RED, GREEN)

    with pytest.raises(ImageError, match="its folder does not exist"):
        sheet.close()


def test_a_long_name_is_cut_where_it_is_clean():
    font = ImageFont.load_default(22)

    line = _fitting("a\nb\udcff" + "x" * 300 + "\nz\udcff", font, 400)

    assert "\n" not in line
    assert line.startswith("a b\\udcff")
    assert line.endswith(" z\\udcff")
