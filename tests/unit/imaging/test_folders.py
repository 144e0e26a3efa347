"""Which files of a folder are photos."""

import os
import socket
from pathlib import Path

import pytest

from photoenhance.imaging.folders import Filter, Unreadable, photos_in

NOWHERE = Path("/nowhere")


@pytest.fixture
def tree(tmp_path):
    names = (
        "a.jpg",
        "B.PNG",
        "notes.txt",
        ".hidden.jpg",
        "Thumbs.db",
        ".DS_Store",
        "@eaDir/a.jpg",
        ".trash/x.jpg",
        "2024/c.jpg",
        "2024/deep/d.tif",
        "drafts/e.jpg",
    )
    for name in names:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return tmp_path


def found(root, without=NOWHERE, **filter):
    return [str(path) for path in photos_in(root, Filter(**filter), without=without)]


def test_hidden_and_foreign_files_are_left_out(tree):
    assert found(tree) == ["B.PNG", "a.jpg"]


def test_recursion_goes_all_the_way_down_in_order(tree):
    names = found(tree, recursive=True)

    assert names == ["B.PNG", "a.jpg", "2024/c.jpg", "2024/deep/d.tif", "drafts/e.jpg"]


def test_include_takes_names_and_paths_whatever_their_case(tree):
    assert found(tree, recursive=True, include=("*.png", "2024/*")) == [
        "B.PNG",
        "2024/c.jpg",
        "2024/deep/d.tif",
    ]


def test_include_takes_what_has_no_photos_suffix(tree):
    assert found(tree, include=("*.txt",)) == ["notes.txt"]


def test_exclude_leaves_out_files_and_whole_folders(tree):
    assert found(tree, recursive=True, exclude=("a.*", "2024")) == ["B.PNG", "drafts/e.jpg"]


def test_the_output_folder_is_left_out(tree):
    names = found(tree, without=tree / "2024", recursive=True)

    assert names == ["B.PNG", "a.jpg", "drafts/e.jpg"]


def test_folders_of_systems_are_left_out_whatever_their_case(tree):
    names = ("#recycle", "$RECYCLE.BIN", "@__thumb", "__MACOSX", "lost+found", ".Trash-1000")
    for name in (*names, "System Volume Information", "@Recycle"):
        (tree / name).mkdir()
        (tree / name / "x.jpg").touch()

    assert not any(path.endswith("x.jpg") for path in found(tree, recursive=True))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes of POSIX")
def test_pipes_and_sockets_are_passed_over(tree):
    os.mkfifo(tree / "pipe.jpg")
    (tree / "device.jpg").symlink_to("/dev/null")
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(tree / "s.jpg"))

        assert found(tree) == ["B.PNG", "a.jpg"]


def test_link_loops_end_and_each_folder_counts_once(tree):
    (tree / "2024" / "up").symlink_to(tree)
    (tree / "0-first").symlink_to(tree / "2024")
    (tree / "self").symlink_to("self")

    names = found(tree, recursive=True)

    assert names == ["B.PNG", "a.jpg", "2024/c.jpg", "2024/deep/d.tif", "drafts/e.jpg"]


def test_a_linked_folder_elsewhere_is_followed(tree, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (elsewhere / "far.jpg").touch()
    (tree / "link").symlink_to(elsewhere)

    assert "link/far.jpg" in found(tree, recursive=True)


def test_a_dangling_link_is_reported_by_the_run_not_passed_over(tree):
    (tree / "gone.jpg").symlink_to("nowhere")

    assert "gone.jpg" in found(tree)


def test_a_folder_that_cannot_be_opened_is_reported(tree, monkeypatch):
    real = os.scandir

    def refusing(path):
        if Path(path).name == "2024":
            raise PermissionError(13, "Permission denied")
        return real(path)

    monkeypatch.setattr(os, "scandir", refusing)

    reports = [
        each
        for each in photos_in(tree, Filter(recursive=True), without=NOWHERE)
        if isinstance(each, Unreadable)
    ]

    assert [report.reason for report in reports] == [
        f"{tree / '2024'}: cannot be looked into: Permission denied"
    ]
