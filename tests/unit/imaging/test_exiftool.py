"""Round trips judged by exiftool, which shares no code with us or with Pillow."""

import io
import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from photoenhance.imaging.photo import Photo
from photoenhance.imaging.read import read
from photoenhance.imaging.write import write

pytestmark = pytest.mark.skipif(
    shutil.which("exiftool") is None, reason="needs exiftool (libimage-exiftool-perl)"
)

TARGETS = [".jpg", ".png", ".tif", ".webp", ".avif"]
EXIF = {
    "IFD0:Make": "Acme", "IFD0:Model": "One", "IFD0:Artist": "Ada", "IFD0:Copyright": "CC0",
    "ExifIFD:ExposureTime": "1/250", "ExifIFD:FNumber": 5.6, "ExifIFD:ISO": 400,
    "ExifIFD:DateTimeOriginal": "2024:05:06 07:08:09", "ExifIFD:LensModel": "50 mm",
    "ExifIFD:UserComment": "hello", "ExifIFD:OffsetTimeOriginal": "+02:00",
    "GPS:GPSLatitude": "47 deg 22' 0.00\"", "GPS:GPSLatitudeRef": "North",
    "GPS:GPSLongitude": "8 deg 33' 0.00\"", "GPS:GPSLongitudeRef": "East",
}  # fmt: skip
XMP = {"XMP-dc:Title": "Sea", "XMP-xmp:Rating": 4, "XMP-dc:Subject": ["harbour", "boat"]}
IPTC = {"IPTC:City": "Genoa", "IPTC:Keywords": ["harbour", "boat"], "IPTC:Headline": "At sea"}
# What exiftool -validate misses in its own source, or does not allow in any TIFF with EXIF.
QUIBBLES = (
    "OK", "1 Warning", "2 Warnings", "3 Warnings", "4 Warnings", "[minor]", "Missing required",
    "Non-standard format (undef) for IFD0 0x83bb", "Invalid value for IFD0 tag 0x0103 Compression",
)  # fmt: skip


def exiftool(*arguments):
    done = subprocess.run(["exiftool", *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def tags_of(*paths):
    """Return the tags of each file by its suffix."""
    found = json.loads(exiftool("-json", "-G1", "-a", "-struct", *map(str, paths)))
    return {Path(tags["SourceFile"]).suffix: tags for tags in found}


def written(photo, folder, targets, **options):
    paths = [folder / f"out{suffix}" for suffix in targets]
    for path in paths:
        write(photo, path, **options)
    return tags_of(*paths)


@pytest.fixture
def labelled(tmp_path, draw):
    """Make a photo stored on its side, with all that exiftool can write and a thumbnail."""

    def make(suffix):
        path = tmp_path / f"photo{suffix}"
        image = Image.fromarray(np.rot90(draw(120, 160)).copy())
        image.save(path, **({"quality": 90, "subsampling": "4:2:0"} if suffix == ".jpg" else {}))
        thumbnail = tmp_path / "thumbnail.jpg"
        image.resize((12, 16)).save(thumbnail)
        said = [f"-{tag}={value}" for tag, value in (EXIF | XMP).items() if type(value) is not list]
        said += [f"-{tag}={part}" for tag, parts in (XMP | IPTC).items()
                 for part in (parts if isinstance(parts, list) else [parts])
                 if tag.startswith("IPTC") or isinstance(parts, list)]  # fmt: skip
        said += ["-IFD0:Orientation#=6", "-XMP-tiff:Orientation#=6"]
        if suffix in (".jpg", ".tif"):
            said += (
                ["-JFIF:XResolution=300", "-JFIF:YResolution=300", "-JFIF:ResolutionUnit=inches"]
                if suffix == ".jpg"
                else []
            )
            said += ["-IFD0:XResolution=300", "-IFD0:YResolution=300"]
        if suffix == ".jpg":
            said += [f"-IFD1:ThumbnailImage<={thumbnail}"]
        exiftool("-q", "-overwrite_original", *said, str(path))
        return path

    return make


@pytest.mark.parametrize("source", [".jpg", ".png", ".tif", ".webp"])
def test_exif_and_xmp_survive_from_every_format_to_every_other(labelled, tmp_path, source):
    photo = read(labelled(source))

    outputs = written(photo, tmp_path, TARGETS)

    assert photo.pixels.shape == (120, 160, 3)
    for target, found in outputs.items():
        assert {tag: found.get(tag) for tag in EXIF} == EXIF, target
        assert {tag: found.get(tag) for tag in XMP} == XMP, target
        assert found.get("IFD0:Orientation", "Horizontal (normal)") == "Horizontal (normal)"
        assert found["XMP-tiff:Orientation"] == "Horizontal (normal)"
        assert not [tag for tag in found if "Thumbnail" in tag or tag.startswith("IFD1")]


@pytest.mark.parametrize("source", [".jpg", ".png", ".tif", ".webp"])
def test_regions_are_turned_in_every_format(labelled, tmp_path, source):
    path = labelled(source)
    exiftool(
        "-q", "-overwrite_original", "-ExifIFD:SubjectArea=60 40 20 10",
        "-RegionInfo={AppliedToDimensions={W=120,H=160,Unit=pixel},RegionList=[{Area={X=0.5,Y=0.25,"
        "W=0.2,H=0.1,Unit=normalized},Name=Ada,Type=Face}]}",
        "-RegionInfoMP={Regions=[{PersonDisplayName=Ada,Rectangle=0.4|, 0.2|, 0.2|, 0.1}]}",
        str(path),
    )  # fmt: skip

    outputs = written(read(path), tmp_path, TARGETS)

    for target, found in outputs.items():
        info = found["XMP-mwg-rs:RegionInfo"]
        area = info["RegionList"][0]["Area"]
        assert (info["AppliedToDimensions"]["W"], info["AppliedToDimensions"]["H"]) == (160, 120)
        assert area == {"X": 0.75, "Y": 0.5, "W": 0.1, "H": 0.2, "Unit": "normalized"}, target
        rectangle = found["XMP-MP:RegionInfoMP"]["Regions"][0]["Rectangle"]
        assert [float(side) for side in rectangle.split(",")] == pytest.approx([0.7, 0.4, 0.1, 0.2])
        assert found["ExifIFD:SubjectArea"] == "120 60 10 20"


def test_further_pictures_and_photoshops_resources_are_found_again(tmp_path, draw):
    path, out = tmp_path / "photo.jpg", tmp_path / "out.jpg"
    frames = [Image.fromarray(draw(120, 160)), Image.fromarray(draw(120, 160)[::-1].copy())]
    frames[0].save(path, "MPO", save_all=True, append_images=frames[1:])
    exiftool(
        "-q", "-overwrite_original", "-Photoshop:CopyrightFlag=1", "-Photoshop:URL=http://a.org/",
        "-IPTC:City=Genoa", str(path),
    )  # fmt: skip

    write(read(path), out)

    for file in (path, out):
        command = ["exiftool", "-b", "-MPImage2", str(file)]
        second = subprocess.run(command, capture_output=True, check=True).stdout
        assert file.read_bytes().endswith(second)
        assert Image.open(io.BytesIO(second)).size == (160, 120)
    found, before = tags_of(out)[".jpg"], tags_of(path)[".jpg"]
    kept = [tag for tag in before if tag.startswith(("Photoshop:", "IPTC:", "MPF0:"))]
    assert len(kept) >= 5
    assert {tag: found.get(tag) for tag in kept} == {tag: before[tag] for tag in kept}
    assert exiftool("-s3", "-warning", "-error", "-validate", str(out)).strip() == "OK"


def test_exif_of_several_segments_is_found_again(tmp_path, draw):
    path, out = tmp_path / "photo.tif", tmp_path / "out.jpg"
    write(Photo(draw(40, 50)), path)
    note = "note " * 40_000
    (tmp_path / "note.txt").write_text(note)
    exiftool(
        "-q", "-overwrite_original", f"-ExifIFD:UserComment<={tmp_path / 'note.txt'}",
        "-IFD0:Software=Acme", str(path),
    )  # fmt: skip

    found = written(read(path), tmp_path, [".jpg"])[".jpg"]

    assert out.read_bytes().count(b"Exif\0\0") == 4
    assert found["ExifIFD:UserComment"].strip() == note.strip()
    assert found["IFD0:Software"] == "Acme"
    said = exiftool("-s3", "-warning", "-error", "-a", str(out)).strip()
    assert said == "[minor] File contains multi-segment EXIF"


def test_records_spread_over_segments_of_photoshop_are_found_again(shared, tmp_path):
    path = shared / "found" / "iptc-psAPP13s-noIPTC-psAPP13s-wIPTC.jpg"
    outputs = written(read(path), tmp_path, [".jpg", ".tif", ".png"])

    before = tags_of(path)[".jpg"]
    iptc = {tag: value for tag, value in before.items() if tag.startswith("IPTC:")}
    assert len(iptc) == 2
    for target, found in outputs.items():
        assert {tag: found.get(tag) for tag in iptc} == iptc, target


@pytest.mark.parametrize("source", [".jpg", ".tif", ".png"])
def test_iptc_and_resolution_survive(labelled, tmp_path, source):
    outputs = written(read(labelled(source)), tmp_path, [".jpg", ".tif", ".png"])

    for target, found in outputs.items():
        assert {tag: found.get(tag) for tag in IPTC} == IPTC, target
        if source != ".png":
            assert found.get("IFD0:XResolution", 300) == 300, target
            assert found.get("JFIF:XResolution", 300) == 300, target


def test_exiftool_finds_nothing_wrong_with_what_we_write(labelled, tmp_path):
    written(read(labelled(".jpg")), tmp_path, TARGETS)

    for target in TARGETS:
        out = str(tmp_path / f"out{target}")
        said = exiftool("-s3", "-warning", "-error", "-a", "-validate", out).splitlines()
        assert {line for line in said if not line.startswith(QUIBBLES)} == set(), target


def test_stripped_files_say_nothing(labelled, tmp_path):
    outputs = written(read(labelled(".jpg")), tmp_path, TARGETS, strip_metadata=True)

    for target, found in outputs.items():
        groups = {tag.split(":")[0] for tag in found}
        assert not groups & {"ExifIFD", "GPS", "IPTC", "IFD1"}, target
        assert not [group for group in groups if group.startswith("XMP")], target
        assert not [tag for tag in EXIF if tag in found], target


def test_a_16_bit_tiff_keeps_depth_profile_and_labels(tmp_path, draw, profile_of):
    path = tmp_path / "deep.png"
    pixels = draw(40, 50).astype(np.uint16) * 257
    write(Photo(pixels, icc_profile=profile_of("prophoto")), path)
    said = [f"-{tag}={value}" for tag, value in EXIF.items()]
    exiftool("-q", "-overwrite_original", *said, str(path))

    found = written(read(path), tmp_path, [".tif"])[".tif"]

    assert found["IFD0:BitsPerSample"] == "16 16 16"
    assert found["ICC_Profile:ProfileDescription"] == "prophoto"
    assert {tag: found.get(tag) for tag in EXIF} == EXIF
