"""Which files of a folder are learnt from, and what is said of the others."""

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from photoenhance.errors import ConfigError
from photoenhance.imaging.formats import FORMATS
from photoenhance.imaging.mark import CONTACT_SHEET, Mark, marked
from photoenhance.imaging.photo import Metadata, Photo
from photoenhance.imaging.write import encode
from photoenhance.report.sheet import Sheet
from photoenhance.training import curves, folders, outputs, state
from photoenhance.training.folders import paired, photos_below, readable, readable_pairs

MARK = Mark("uegan", "0a" * 32, "1b" * 32, "strength 0.6, fp32", "2c" * 32, "0.1.0")

Put = Callable[..., Path]


@pytest.fixture
def put(tmp_path: Path, draw) -> Put:
    """Put a photo into a folder, with or without the mark of a result."""

    def put(name: str, *, is_result: bool = False) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        kind = next(name for name, each in FORMATS.items() if path.suffix in each.suffixes)
        xmp = marked(None, MARK, kind) if is_result else None
        path.write_bytes(encode(Photo(draw(40, 50), metadata=Metadata(xmp=xmp)), kind))
        return path

    return put


def names(listing: folders.Listing) -> list[str]:
    return [path.relative_to(listing.folder).as_posix() for path in listing.photos]


def test_every_suffix_that_enhance_reads_is_listed_and_other_files_are_counted(
    tmp_path: Path,
) -> None:
    suffixes = [suffix for known in FORMATS.values() for suffix in known.suffixes]
    for suffix in suffixes:
        (tmp_path / f"photo{suffix.upper()}").write_bytes(b"")
    for name in ("a.gif", "b.GIF", "notes.txt", "README", ".hidden.gif", "Thumbs.db"):
        (tmp_path / name).write_bytes(b"")

    listing = photos_below(tmp_path)

    assert len(listing.photos) == len(suffixes)
    assert listing.notes() == (
        f"{tmp_path}: passed over, as no photos in a known format: "
        "2 .gif, 1 .txt, 1 without a suffix",
    )


@pytest.mark.parametrize("name", [*folders.OF_A_RUN, "state-0000100.pt"])
def test_pictures_of_training_runs_below_are_not_learnt_from(
    put: Put, tmp_path: Path, name: str
) -> None:
    put("style/a.png")
    put("style/model/samples-000100.png")
    put("style/model/more/b.png")
    (tmp_path / "style" / "model" / name.replace("*", "0000001")).touch()

    listing = photos_below(tmp_path / "style")

    assert names(listing) == ["a.png"]
    assert listing.notes() == (
        f"{tmp_path / 'style'}: not learnt from 2 pictures that photoenhance has made",
    )


def test_the_names_of_a_runs_files_are_those_that_runs_write() -> None:
    assert set(folders.OF_A_RUN) == {curves.LOG, state.PATTERN, outputs.CHECKPOINT}


def test_the_runs_own_folder_is_left_out_before_it_holds_anything_of_the_run(
    put: Put, tmp_path: Path
) -> None:
    put("style/a.png")
    put("style/out/b.png")

    listing = photos_below(tmp_path / "style", output=tmp_path / "style" / "out")

    assert names(listing) == ["a.png"]
    assert listing.own == 1


def test_a_run_among_its_photos_leaves_out_its_samples_alone(put: Put, tmp_path: Path) -> None:
    put("style/a.png")
    put("style/sub/b.png")
    put("style/samples-000100.png")
    (tmp_path / "style" / curves.LOG).touch()

    assert names(photos_below(tmp_path / "style")) == ["a.png", "sub/b.png"]


def test_results_are_known_by_name_by_folder_and_by_mark(put: Put, tmp_path: Path) -> None:
    for name in ("a.jpg", "a-enhanced.jpg", "a-enhanced-2.jpg", "b-enhanced.jpg"):
        put(f"style/{name}")
    for name in (
        "sea/c.jpg",
        "sea-enhanced/c.jpg",
        "sea-enhanced/deep/c.jpg",
        "lake-enhanced/d.jpg",
    ):
        put(f"style/{name}")
    for suffix in ("jpg", "png", "tif", "webp", "avif"):
        put(f"style/marked.{suffix}", is_result=True)

    listing = photos_below(tmp_path / "style")

    # What stands beside nothing that it could be made of is somebody's own.
    assert names(listing) == ["a.jpg", "b-enhanced.jpg", "lake-enhanced/d.jpg", "sea/c.jpg"]
    assert listing.own == 9


def test_contact_sheets_are_not_learnt_from(put: Put, tmp_path: Path, draw) -> None:
    put("style/a.png")
    for suffix in ("jpg", "png"):
        sheet = Sheet(tmp_path / "style" / f"sheet.{suffix}", "A title")
        sheet.add("a.png", Photo(draw(40, 50)), Photo(draw(40, 50)))
        sheet.close()
        assert CONTACT_SHEET in (tmp_path / "style" / f"sheet.{suffix}").read_bytes()

    assert names(photos_below(tmp_path / "style")) == ["a.png"]


def test_a_folder_of_nothing_but_results_says_so(put: Put, tmp_path: Path) -> None:
    put("style/a.png", is_result=True)

    with pytest.raises(ConfigError, match="no photos but 1 that photoenhance has made itself"):
        photos_below(tmp_path / "style")


def test_links_to_folders_are_followed_once_and_dangling_ones_named(
    put: Put, tmp_path: Path
) -> None:
    put("style/a.png")
    put("elsewhere/b.png")
    (tmp_path / "style" / "link").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "style" / "loop").symlink_to(tmp_path / "style")
    (tmp_path / "style" / "gone.jpg").symlink_to("nowhere")

    listing = readable(photos_below(tmp_path / "style"))

    assert names(listing) == ["a.png", "link/b.png"]
    assert "gone.jpg: cannot be opened" in listing.notes()[0]


def test_photos_that_cannot_be_read_are_named_and_not_counted(put: Put, tmp_path: Path) -> None:
    put("style/good.jpg")
    whole = put("style/cut.jpg").read_bytes()
    (tmp_path / "style" / "cut.jpg").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "style" / "empty.png").touch()
    (tmp_path / "style" / "text.webp").write_bytes(b"no photo")
    (tmp_path / "style" / "folder.jpg").mkdir()
    Image.fromarray(np.zeros((9, 9), np.uint8)).save(tmp_path / "style" / "gif.png", "GIF")
    Image.fromarray(np.zeros((9, 9, 3), np.uint8)).save(tmp_path / "style" / "good.bmp")

    listing = readable(photos_below(tmp_path / "style"))

    assert names(listing) == ["good.bmp", "good.jpg"]
    assert len(listing.problems) == 4
    assert all(note.startswith("left out: ") for note in listing.notes())
    assert any("cut.jpg: damaged, the file is cut short" in note for note in listing.notes())


def test_of_many_unreadable_photos_some_are_named(put: Put, tmp_path: Path) -> None:
    put("style/good.jpg")
    for number in range(20):
        (tmp_path / "style" / f"{number:02}.jpg").touch()

    notes = readable(photos_below(tmp_path / "style")).notes()

    assert len(notes) == folders.NAMED + 1
    assert notes[-1] == "left out: 15 more that cannot be read"


def test_where_nothing_can_be_read_the_reason_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"no photo")

    with pytest.raises(ConfigError, match=r"not one of 1 photos can be read: .*a.jpg: not a photo"):
        readable(photos_below(tmp_path))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may look into every folder")
def test_a_folder_that_cannot_be_opened_is_named(put: Put, tmp_path: Path) -> None:
    put("style/a.png")
    (tmp_path / "style" / "closed").mkdir(mode=0)

    assert "closed: cannot be looked into" in photos_below(tmp_path / "style").notes()[0]


def test_partners_are_found_whatever_their_formats(put: Put, tmp_path: Path) -> None:
    for name in ("x.avif", "x.c.png", "x-1.bmp", "sub/x.jfif"):
        put(f"source/{name}")
    for name in ("x.jpg", "x.c.tif", "x-1.webp", "sub/x.dib"):
        put(f"target/{name}")

    source, target = paired(photos_below(tmp_path / "source"), photos_below(tmp_path / "target"))

    assert [name.rpartition(".")[0] for name in names(source)] == ["sub/x", "x-1", "x", "x.c"]
    assert [name.rpartition(".")[0] for name in names(target)] == ["sub/x", "x-1", "x", "x.c"]


def test_a_name_that_is_there_twice_has_no_clear_partner(put: Put, tmp_path: Path) -> None:
    for name in ("source/a.jpg", "source/a.png", "target/a.jpg"):
        put(name)

    with pytest.raises(ConfigError, match=r"a.png: has the same name as a.jpg"):
        paired(photos_below(tmp_path / "source"), photos_below(tmp_path / "target"))


def test_a_photo_without_its_partner_is_an_error(put: Put, tmp_path: Path) -> None:
    for name in ("source/a.jpg", "source/b.jpg", "target/a.jpg"):
        put(name)
    put("target/b.jpg", is_result=True)

    with pytest.raises(ConfigError, match=r"b: a photo without its partner \(1 in all; 1 that"):
        paired(photos_below(tmp_path / "source"), photos_below(tmp_path / "target"))


def test_pairs_are_left_out_whole(put: Put, tmp_path: Path) -> None:
    for name in ("a", "b", "c", "d"):
        put(f"source/{name}.jpg")
        put(f"target/{name}.png")
    (tmp_path / "source" / "a.jpg").write_bytes(b"")
    (tmp_path / "target" / "c.png").write_bytes(b"")
    listed = paired(photos_below(tmp_path / "source"), photos_below(tmp_path / "target"))

    source, target = readable_pairs(*listed)

    assert names(source) == ["b.jpg", "d.jpg"]
    assert names(target) == ["b.png", "d.png"]
    assert "a.jpg" in source.notes()[0]
    assert "c.png" in target.notes()[0]


def test_no_pair_of_which_both_sides_can_be_read_is_an_error(put: Put, tmp_path: Path) -> None:
    for name in ("a", "b"):
        put(f"source/{name}.jpg")
        put(f"target/{name}.png")
    (tmp_path / "source" / "a.jpg").write_bytes(b"")
    (tmp_path / "target" / "b.png").write_bytes(b"")
    listed = paired(photos_below(tmp_path / "source"), photos_below(tmp_path / "target"))

    with pytest.raises(ConfigError, match="there is not one pair of which both photos can be read"):
        readable_pairs(*listed)
