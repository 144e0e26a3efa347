"""What becomes of paths before anything is read."""

from pathlib import Path

import pytest

from photoenhance.batch.plan import Request, plan, plan_pipe
from photoenhance.errors import ConfigError
from photoenhance.imaging.folders import Filter


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def touch(*names):
    for name in names:
        path = Path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def outputs(request):
    return [str(job.output) for job in plan(request)]


def paths(*names):
    return tuple(map(Path, names))


def test_a_photo_goes_beside_itself_under_another_name():
    touch("a.jpg")

    assert outputs(Request(paths("a.jpg"))) == ["a-enhanced.jpg"]


def test_a_folder_goes_to_a_folder_beside_it():
    touch("photos/b.png", "photos/a.JPG", "photos/notes.txt")

    assert outputs(Request(paths("photos"))) == ["photos-enhanced/a.JPG", "photos-enhanced/b.png"]


def test_the_current_folder_goes_beside_itself(folder, monkeypatch):
    touch("photos/a.jpg")
    monkeypatch.chdir("photos")

    assert outputs(Request(paths("."))) == [str(folder / "photos-enhanced/a.jpg")]


def test_subfolders_are_left_alone_unless_asked_for():
    touch("photos/a.jpg", "photos/2024/b.jpg")

    assert outputs(Request(paths("photos"))) == ["photos-enhanced/a.jpg"]


def test_a_tree_is_mirrored():
    touch("photos/a.jpg", "photos/2024/may/b.jpg")
    request = Request(paths("photos"), output=Path("out"), filter=Filter(recursive=True))

    assert outputs(request) == ["out/a.jpg", "out/2024/may/b.jpg"]


def test_an_output_with_a_photos_suffix_is_a_file_for_one_photo():
    touch("a.jpg")

    assert outputs(Request(paths("a.jpg"), output=Path("b.png"))) == ["b.png"]


def test_an_output_without_a_suffix_is_a_folder():
    touch("a.jpg")

    assert outputs(Request(paths("a.jpg"), output=Path("better"))) == ["better/a.jpg"]


def test_an_existing_folder_is_a_folder_whatever_its_name():
    touch("a.jpg", "best.jpg/other.txt")

    assert outputs(Request(paths("a.jpg"), output=Path("best.jpg"))) == ["best.jpg/a.jpg"]


def test_one_output_file_for_two_photos_is_refused():
    touch("a.jpg", "b.jpg")

    with pytest.raises(ConfigError, match="is one file"):
        plan(Request(paths("a.jpg", "b.jpg"), output=Path("c.jpg")))


def test_two_inputs_with_one_output_are_refused():
    touch("x/a.jpg", "y/a.jpg")

    with pytest.raises(ConfigError, match=r"out/a\.jpg: would be the output of both"):
        plan(Request(paths("x", "y"), output=Path("out")))


def todo(request, is_result=lambda path: False):
    return [str(job.input) for job in plan(request, is_result) if not job.is_result]


def test_an_output_that_is_another_input_is_refused():
    touch("a.jpg", "out/a.jpg")

    with pytest.raises(ConfigError, match="is itself an input"):
        plan(Request(paths("a.jpg", "out/a.jpg"), output=Path("out")))


def test_an_output_that_is_an_input_but_a_result_is_no_input():
    touch("a.jpg", "out/a.jpg")
    request = Request(paths("a.jpg", "out/a.jpg"), output=Path("out"))

    assert todo(request, lambda path: path == Path("out/a.jpg")) == ["a.jpg"]


@pytest.mark.parametrize(
    ("photo", "result"),
    [
        ("a.jpg", "a-enhanced.jpg"),
        ("a.jpg", "a-enhanced.png"),
        ("a.jpg", "a-enhanced-2.jpg"),
        ("a.CR3", "a-enhanced.CR3.tif"),
        ("a.CR3", "a-enhanced.CR3-1.tif"),
        ("a.b.jpg", "a.b-enhanced.jpg"),
        ("a-enhanced.jpg", "a-enhanced-enhanced.jpg"),
    ],
)
@pytest.mark.parametrize("options", [{}, {"output": Path("out")}, {"in_place": True}])
def test_names_beside_their_photos_tell_results(photo, result, options):
    touch(photo, result)

    assert todo(Request(paths(".", result), **options)) == [photo]


@pytest.mark.parametrize("name", ["b-enhanced.jpg", "a-enhanced-edges.jpg", "enhanced-a.jpg"])
def test_other_names_tell_nothing(name):
    touch("a.jpg", name)

    assert name in todo(Request(paths("."), output=Path("out")))


def test_again_takes_results_too():
    touch("a.jpg", "a-enhanced.jpg")

    assert len(todo(Request(paths("."), output=Path("out"), again=True))) == 2


def test_a_name_is_not_enough_to_overwrite_an_input():
    touch("a.jpg", "a-enhanced.jpg")
    request = Request(paths("a.jpg", "a-enhanced.jpg"), on_exists="overwrite")

    assert todo(request, lambda path: True) == ["a.jpg"]
    with pytest.raises(ConfigError, match="is itself an input"):
        plan(request)


def test_nobody_looks_into_files_that_no_photo_would_replace():
    touch("a.jpg", "b.jpg", "b-enhanced.jpg")

    def is_result(path):
        raise AssertionError(f"looked into {path}")

    assert len(todo(Request(paths("a.jpg", "b.jpg", "b-enhanced.jpg")), is_result)) == 2


def test_an_output_folder_that_is_the_input_folder_by_a_link_is_refused():
    touch("photos/a.jpg")
    Path("link").symlink_to("photos")

    with pytest.raises(ConfigError, match="is itself an input"):
        plan(Request(paths("photos/a.jpg"), output=Path("link")))


def test_the_output_folder_is_no_source_of_photos():
    touch("photos/a.jpg", "photos/out/a.jpg")
    request = Request(paths("photos"), output=Path("photos/out"), filter=Filter(recursive=True))

    assert outputs(request) == ["photos/out/a.jpg"]


def test_an_output_folder_that_is_the_input_folder_is_refused():
    touch("photos/a.jpg")

    with pytest.raises(ConfigError, match="is itself an input"):
        plan(Request(paths("photos"), output=Path("photos")))


def test_a_photo_that_is_named_twice_is_one_job():
    touch("a.jpg")

    assert outputs(Request(paths("a.jpg", "./a.jpg"))) == ["a-enhanced.jpg"]


def test_photos_that_differ_by_suffix_only_keep_two_names():
    touch("photos/a.jpg", "photos/a.png", "photos/a.cr2")

    assert outputs(Request(paths("photos"), output=Path("out"))) == [
        "out/a.cr2.tif",
        "out/a.jpg",
        "out/a.png",
    ]


def test_photos_that_differ_by_suffix_only_are_refused_when_both_become_png():
    touch("photos/a.jpg", "photos/a.png")

    with pytest.raises(ConfigError, match=r"out/a.png: would be the output of both"):
        plan(Request(paths("photos"), output=Path("out"), suffix=".png"))


def test_a_missing_path_is_refused():
    with pytest.raises(ConfigError, match=r"nowhere: no such file or folder"):
        plan(Request(paths("nowhere")))


def test_a_missing_path_of_a_list_is_left_to_the_run():
    assert outputs(Request(listed=paths("gone.jpg"))) == ["gone-enhanced.jpg"]


def test_listed_paths_keep_their_folders_below_the_output():
    touch("x/a.jpg", "y/a.jpg")
    request = Request(listed=paths("x/a.jpg", "./y/a.jpg"), output=Path("out"))

    assert outputs(request) == ["out/x/a.jpg", "out/y/a.jpg"]


def test_listed_paths_never_leave_the_output(folder):
    touch("x/a.jpg", "b.jpg")
    request = Request(listed=paths("x/../b.jpg", str(folder / "x/a.jpg")), output=Path("out"))

    assert outputs(request) == ["out/b.jpg", "out/a.jpg"]


def test_in_place_is_the_input_itself():
    touch("photos/a.jpg")

    assert outputs(Request(paths("photos"), in_place=True)) == ["photos/a.jpg"]


def test_in_place_replaces_what_a_link_points_to_once(folder):
    touch("elsewhere/a.jpg", "photos/b.jpg")
    Path("photos/link.jpg").symlink_to(folder / "elsewhere/a.jpg")

    names = outputs(Request(paths("photos", str(folder / "elsewhere")), in_place=True))

    assert names == ["photos/b.jpg", str(folder / "elsewhere/a.jpg")]


def test_in_place_is_refused_for_what_cannot_be_written_back():
    touch("a.cr2")

    (job,) = plan(Request(paths("a.cr2"), in_place=True))

    assert job.problem == "a.cr2: cannot be replaced by a file of another format"


def test_in_place_with_an_output_is_refused():
    touch("a.jpg")

    with pytest.raises(ConfigError, match="in-place"):
        plan(Request(paths("a.jpg"), output=Path("out"), in_place=True))


def test_existing_outputs_are_brought_up_to_date_by_default():
    touch("a.jpg", "a-enhanced.jpg")

    (job,) = plan(Request(paths("a.jpg")))

    assert job.on_exists == "update"
    assert not job.is_new


def test_existing_outputs_are_overwritten_when_asked_for():
    touch("a.jpg", "a-enhanced.jpg")

    (job,) = plan(Request(paths("a.jpg"), on_exists="overwrite"))

    assert job.on_exists == "overwrite"
    assert not job.is_new
    assert job.problem is None


def test_existing_outputs_are_a_problem_when_asked_for():
    touch("a.jpg", "a-enhanced.jpg")

    (job,) = plan(Request(paths("a.jpg"), on_exists="error"))

    assert job.problem == "a-enhanced.jpg: exists already"


def test_renaming_finds_a_free_name_for_each():
    touch("a.jpg", "out/a.jpg", "out/a-1.jpg", "a-1.jpg")

    names = outputs(Request(paths("a.jpg", "a-1.jpg"), output=Path("out"), on_exists="rename"))

    assert names == ["out/a-2.jpg", "out/a-1-1.jpg"]


def test_renaming_keeps_clear_of_names_that_other_photos_will_take():
    touch("a.jpg", "out/a.jpg", "a-1.jpg")

    names = outputs(Request(paths("a.jpg", "a-1.jpg"), output=Path("out"), on_exists="rename"))

    assert names == ["out/a-2.jpg", "out/a-1.jpg"]


def test_an_output_that_is_a_folder_is_a_problem():
    touch("a.jpg", "a-enhanced.jpg/x.txt")

    (job,) = plan(Request(paths("a.jpg"), on_exists="overwrite"))

    assert job.problem == "a-enhanced.jpg: the output is a folder"


def test_the_longest_names_are_shortened_to_what_a_disk_takes():
    name = "ä" * 125 + ".jpg"
    touch(name)

    (output,) = outputs(Request(paths(name)))

    assert output.endswith("ä-enhanced.jpg")
    assert len(output.encode()) in (254, 255)


def test_a_planned_name_can_hold_any_bytes():
    name = b"\xff\n.jpg".decode("utf-8", "surrogateescape")
    touch(name)

    assert outputs(Request(paths(name), output=Path("out"))) == [f"out/{name}"]


def test_a_pipe_needs_a_file_not_a_folder(folder):
    with pytest.raises(ConfigError, match="is a folder, but standard output takes one photo"):
        plan_pipe(folder, None, Request())
    with pytest.raises(ConfigError, match="a photo from standard input has no name"):
        plan_pipe(None, folder, Request())
    with pytest.raises(ConfigError, match="no such file"):
        plan_pipe(Path("nowhere.jpg"), None, Request())


def test_a_pipe_does_not_overwrite_unasked():
    touch("b.jpg")

    job = plan_pipe(None, Path("b.jpg"), Request())

    assert (job.is_new, job.on_exists) == (False, "update")


@pytest.mark.parametrize("name", ["out.txt", "x.jpg.tmp", "out.jpeg2000"])
def test_an_output_with_an_unknown_suffix_is_no_folder_for_one_photo(name):
    touch("a.jpg", "b.jpg")

    with pytest.raises(ConfigError, match="is the suffix of no picture") as caught:
        plan(Request(paths("a.jpg"), output=Path(name)))

    assert "slash" in caught.value.hint
    assert outputs(Request(paths("a.jpg"), output=Path(name), is_folder=True)) == [f"{name}/a.jpg"]
    assert outputs(Request(paths("a.jpg", "b.jpg"), output=Path(name)))[0] == f"{name}/a.jpg"


def test_a_slash_makes_a_folder_of_a_pictures_name():
    touch("a.jpg")

    request = Request(paths("a.jpg"), output=Path("best.jpg"), is_folder=True)

    assert outputs(request) == ["best.jpg/a.jpg"]
