"""Photos that hold more than a picture, replaced where they lie."""

from pathlib import Path

VIDEO = b"\0\0\0\x18ftypmp42" + bytes(range(256)) * 9


def test_a_motion_photo_is_replaced_with_its_video(cli, draw):
    draw("a.jpg")
    path = Path("a.jpg")
    path.write_bytes(path.read_bytes() + VIDEO)
    before = path.read_bytes()

    ended = cli("enhance", "a.jpg", "--in-place")

    assert ended.code == 0
    assert path.read_bytes() != before
    assert path.read_bytes().endswith(b"\xff\xd9" + VIDEO)


def test_a_motion_photo_is_not_stripped_of_its_video_in_place(cli, draw):
    draw("a.jpg")
    path = Path("a.jpg")
    path.write_bytes(path.read_bytes() + VIDEO)
    before = path.read_bytes()

    ended = cli("enhance", "a.jpg", "--in-place", "--strip-metadata")

    assert ended.code == 1
    assert "a.jpg: would lose something if it were replaced: not kept: the video" in ended.err
    assert path.read_bytes() == before


def test_a_video_that_the_output_cannot_hold_is_said(cli, draw):
    draw("a.jpg")
    path = Path("a.jpg")
    path.write_bytes(path.read_bytes() + VIDEO)

    ended = cli("enhance", "a.jpg", "-o", "a.png")

    assert ended.code == 0
    assert "a.jpg: note: not kept: the video" in ended.err
