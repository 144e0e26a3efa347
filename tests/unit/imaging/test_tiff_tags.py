"""What a TIFF says of its picture, before and after, judged by exiftool."""

import io
import json
import shutil
import subprocess

import numpy as np
import pytest
import tifffile

from photoenhance.imaging.metadata import read_exif
from photoenhance.imaging.photo import Metadata, Photo, StoredFormat
from photoenhance.imaging.photoshop import joined_resources
from photoenhance.imaging.read import read
from photoenhance.imaging.write import encode, write

needs_exiftool = pytest.mark.skipif(shutil.which("exiftool") is None, reason="needs exiftool")
IPTC = b"\x1c\x02\x05\x00\x03Sea"
URL = b"8BIM\x04\x0b\0\0\0\0\0\x12http://example.com"
XP_TITLE = "Sea\0".encode("utf-16-le")

GEO = [
    (33550, "d", 3, (10.0, 10.0, 0.0), True),
    (33922, "d", 6, (0.0, 0.0, 0.0, 500000.0, 5200000.0, 0.0), True),
    (34735, "H", 8, (1, 1, 0, 1, 1024, 0, 1, 1), True),
    (34737, "s", 0, "WGS 84 / UTM zone 33N|", True),
    (42112, "s", 0, "<GDALMetadata></GDALMetadata>", True),
    (42113, "s", 0, "-9999", True),
]
ALONE = {
    "Copyright": [(33432, "s", 0, "CC0", True)],
    "Rating": [(18246, "H", 1, 4, True), (18249, "H", 1, 75, True)],
    "XPTitle": [(40091, "B", len(XP_TITLE), XP_TITLE, True)],
    "HostComputer": [(316, "s", 0, "here", True)],
    "WhitePoint": [(318, "2I", 2, (3127, 10000, 3290, 10000), True)],
    "GeoTiff": GEO,
    "PageName": [(285, "s", 0, "front", True)],
}


def tiff_with(tmp_path, *tags, **options):
    path = tmp_path / "in.tif"
    pixels = np.full((24, 32, 3), 90, np.uint8)
    options = {"photometric": "rgb", "software": False, "metadata": None} | options
    tifffile.imwrite(path, pixels, extratags=list(tags), **options)
    return path


def said_of(*paths):
    """Return what exiftool reads of each file, less how its pixels and the file are stored."""
    done = subprocess.run(
        ["exiftool", "-json", "-G1", "-a", "-n", *paths], capture_output=True, text=True, check=True
    )
    return [
        {tag: value for tag, value in said.items()
         if tag.split(":")[0] in GROUPS and tag not in STORED}
        for said in json.loads(done.stdout)
    ]  # fmt: skip


GROUPS = ("IFD0", "ExifIFD", "GPS", "GeoTiff", "IPTC", "Photoshop")
STORED = {
    f"IFD0:{name}"
    for name in (
        "SubfileType", "ImageWidth", "ImageHeight", "BitsPerSample", "Compression",
        "PhotometricInterpretation", "StripOffsets", "SamplesPerPixel", "RowsPerStrip",
        "StripByteCounts", "PlanarConfiguration", "Orientation", "Predictor", "YCbCrPositioning",
    )
}  # fmt: skip


@needs_exiftool
@pytest.mark.parametrize(("name", "order"), [*((name, "<") for name in ALONE), ("GeoTiff", ">")])
def test_tags_are_kept_whatever_else_there_is(name, order, tmp_path):
    source = tiff_with(tmp_path, *ALONE[name], byteorder=order)
    outputs = [tmp_path / f"out{suffix}" for suffix in (".tif", ".jpg", ".png", ".webp")]

    for out in outputs:
        write(read(source), out)

    before, *afterwards = said_of(source, *outputs)
    assert any(name in tag for tag in before)
    for out, after in zip(outputs, afterwards, strict=True):
        lost = {tag: value for tag, value in before.items() if after.get(tag) != value}
        assert lost == {}, out.suffix


@needs_exiftool
@pytest.mark.parametrize("target", [".tif", ".jpg"])
def test_a_resolution_without_a_unit_keeps_its_ratio(target, tmp_path):
    source = tiff_with(tmp_path, resolution=(2, 1), resolutionunit=1)
    out = tmp_path / f"out{target}"

    write(read(source), out)

    (said,) = said_of(out)
    found = [said.get(f"IFD0:{tag}") for tag in ("XResolution", "YResolution", "ResolutionUnit")]
    assert found == [2, 1, 1]


def test_exifs_resolution_outranks_that_of_the_old_file(tmp_path, exif_of):
    source = tiff_with(tmp_path, *ALONE["Copyright"], resolution=(300, 300), resolutionunit=2)
    photo = read(source)

    said = Metadata(exif=photo.metadata.exif, dpi=(72, 72))
    data = encode(Photo(photo.pixels, metadata=said, format=StoredFormat("tiff")), "tiff")

    tags = tifffile.TiffFile(io.BytesIO(data)).pages[0].tags
    assert tags["XResolution"].value == (300, 1)
    assert tags["ResolutionUnit"].value == 2


def test_a_plain_file_gets_no_exif_for_its_resolution_alone(tmp_path):
    photo = read(tiff_with(tmp_path, resolution=(300, 300), resolutionunit=2))

    assert photo.metadata.exif is None
    assert photo.metadata.dpi == (300, 300)


@needs_exiftool
def test_photoshops_resources_are_kept(tmp_path):
    resources = joined_resources(IPTC, URL)
    source = tiff_with(tmp_path, (34377, "B", len(resources), resources, True))
    out = tmp_path / "out.tif"

    photo = read(source)
    write(photo, out)

    assert photo.metadata.iptc == IPTC
    assert photo.metadata.photoshop == URL
    (said,) = said_of(out)
    assert said["Photoshop:URL"] == "http://example.com"
    assert said["IPTC:ObjectName"] == "Sea"


def test_photoshops_layers_are_a_loss(tmp_path):
    layers = b"Adobe Photoshop Document Data Block\0"

    photo = read(tiff_with(tmp_path, (37724, "B", len(layers), layers, True)))

    assert photo.left_out == ("the layers of Photoshop were left out",)


def test_white_point_and_primaries_do_not_outlive_the_conversion_to_srgb(tmp_path):
    tags = [*ALONE["WhitePoint"], *ALONE["Copyright"]]

    photo = read(tiff_with(tmp_path, *tags, photometric="cielab"))

    assert b"CC0" in photo.metadata.exif
    assert read_exif(photo.metadata.exif) is not None
    assert b"\x3e\x01" not in photo.metadata.exif


def test_pointers_that_lead_nowhere_are_not_kept(tmp_path):
    pointers = [(330 + 70, "I", 1, 0xFFFFFF, True), (60000, 13, 1, 0xFFFFFF, True)]

    photo = read(tiff_with(tmp_path, *pointers, *ALONE["Copyright"]))

    assert b"\xff\xff\xff" not in photo.metadata.exif


def test_exif_that_cannot_be_read_is_a_loss(tmp_path):
    pointer = (60001, "I", 1, 0xFFFFFF, True)  # tifffile would not write EXIF's own number
    path = tiff_with(tmp_path, pointer, *ALONE["Copyright"])
    data = path.read_bytes().replace((60001).to_bytes(2, "little"), (34665).to_bytes(2, "little"))

    photo = read(io.BytesIO(data))

    assert b"CC0" in photo.metadata.exif
    assert b"\xff\xff\xff" not in photo.metadata.exif
    assert photo.left_out == ("damaged EXIF was left out",)
