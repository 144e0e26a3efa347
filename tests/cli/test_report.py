"""`photoenhance report`, and `enhance --report`."""

import json
from pathlib import Path

import pytest
from PIL import Image

from photoenhance.batch.events import Finished, Settings, Started
from photoenhance.cli import publication
from photoenhance.cli.publication import Wanted, reporting
from photoenhance.errors import ExitCode
from photoenhance.zoo import store


def shown(page="report.html"):
    """Names of the photos on a page, in their order."""
    parts = Path(page).read_text(encoding="utf-8").split('data-name="')[1:]
    return [part.partition('"')[0] for part in parts]


@pytest.fixture
def done(draw):
    """Two photos, and other ones where `enhance` puts its results."""
    draw("photos/a.jpg", "photos/b.png", "photos-enhanced/a.jpg", "photos-enhanced/b.png")


def test_originals_alone_are_shown_with_what_enhance_made_of_them(cli, draw):
    draw("photos/a.jpg", "photos/b.png")
    cli("enhance", "photos")

    ended = cli("report", "photos")

    assert (ended.code, ended.out) == (0, "report.html\n")
    assert ended.err.startswith("report.html: 2 photos, ")
    assert shown() == ["a.jpg", "b.png"]
    assert "<h1>photos</h1>" in Path("report.html").read_text()


def test_two_folders_are_compared(cli, draw):
    draw("in/a.jpg", "in/b.jpg", "out/a.jpg", "out/b.png")

    ended = cli("report", "in", "out", "-o", "page.html", "--title", "My <photos>")

    assert ended.code == 0
    assert shown("page.html") == ["a.jpg", "b.jpg"]
    assert "<h1>My &lt;photos&gt;</h1>" in Path("page.html").read_text()


def test_one_photo_is_compared_with_its_result(cli, draw):
    draw("a.jpg")
    cli("enhance", "a.jpg")

    assert cli("report", "a.jpg").code == 0
    assert shown() == ["a.jpg"]


def test_subfolders_are_looked_into_when_asked(cli, draw):
    draw("in/a.jpg", "in/x/b.jpg", "out/a.jpg", "out/x/b.jpg")

    cli("report", "in", "out")
    flat = shown()
    cli("report", "in", "out", "-r")

    assert flat == ["a.jpg"]
    assert shown() == ["a.jpg", "x/b.jpg"]


def test_a_photo_without_a_result_is_listed_as_such(cli, draw):
    draw("in/a.jpg", "in/b.jpg", "out/a.jpg")

    ended = cli("report", "in", "out")

    assert ended.code == 0
    assert shown() == ["a.jpg"]
    assert "has no result in out" in Path("report.html").read_text()


def test_results_beside_their_originals_are_found(cli, draw):
    draw("a.jpg", "b.jpg")
    cli("enhance", "a.jpg", "b.jpg")

    assert cli("report", ".", ".").code == 0
    assert shown() == ["a.jpg", "b.jpg"]


def test_a_log_tells_of_the_model_the_settings_and_the_failures(cli, draw, model):
    draw("photos/a.jpg")
    Path("photos/broken.jpg").write_bytes(b"no")
    cli("enhance", "photos", "--log", "run.jsonl", "--strength", "0.5")

    ended = cli("report", "run.jsonl")

    page = Path("report.html").read_text(encoding="utf-8")
    assert ended.code == 0
    assert shown() == ["a.jpg"]
    for fact in (str(model), store.sha256(model), "<dt>Strength</dt><dd>0.5</dd>", "1 not shown"):
        assert fact in page
    assert "broken.jpg</bdi> <span>not a photo in a supported format</span>" in page


def test_a_log_can_come_through_a_pipe_and_the_page_can_go_into_one(cli, draw):
    draw("a.jpg")
    log = cli("enhance", "a.jpg", "--json", "--quiet").data

    ended = cli("report", "-", "-o", "-", stdin=log)

    assert ended.code == 0
    assert ended.data.startswith(b"<!doctype html>")
    assert b'data-name="a.jpg"' in ended.data


def test_of_a_log_of_several_runs_the_last_word_on_each_photo_counts(cli, draw):
    draw("photos/a.jpg")
    Path("photos/b.jpg").write_bytes(b"no")
    cli("enhance", "photos", "--log", "run.jsonl")
    draw("photos/b.jpg")
    cli("enhance", "photos", "--log", "run.jsonl")

    cli("report", "run.jsonl")

    assert shown() == ["a.jpg", "b.jpg"]
    assert "not shown" not in Path("report.html").read_text()


def test_a_log_of_another_version_is_read_as_far_as_it_is_known(cli, draw):
    draw("photos/a.jpg", "photos/b.png")
    cli("enhance", "photos", "--log", "run.jsonl")
    lines = [json.loads(line) for line in Path("run.jsonl").read_text().splitlines()]
    news = "".join(json.dumps(line | {"novelty": 1}) + "\n" for line in lines)
    Path("run.jsonl").write_text(news + '{"schema": 1, "record": "novelty"}\n')

    assert cli("report", "run.jsonl").code == 0
    assert shown() == ["a.jpg", "b.png"]


def test_a_photo_that_cannot_be_read_is_named_the_rest_shown_and_the_end_is_1(cli, done):
    Path("photos-enhanced/a.jpg").write_bytes(b"no")

    ended = cli("report", "photos")

    assert ended.code == 1
    assert ended.err.startswith("a.jpg: cannot be shown: photos-enhanced/a.jpg: not a photo in ")
    assert shown() == ["b.png"]


@pytest.mark.parametrize(
    ("args", "err"),
    [
        (["nowhere"], "Error: nowhere: no such file or folder\n"),
        (["photos", "nowhere"], "Error: nowhere: no such file or folder\n"),
        (["photos", "photos/a.jpg"], "Error: photos/a.jpg: is one file, but photos is a folder\n"),
        (["photos", "empty"], "Error: empty: has no result of any photo in photos\n"),
        (["empty", "photos"], "Error: empty: nothing to show\n"),
        (["text.txt"], "Error: text.txt: line 1 is no record of `enhance --json`\n"),
        (["photos", "-o", "b.png"], "Error: b.png: the report is an HTML page, not a picture\n"),
        (
            ["photos", "--contact-sheet", "a.txt"],
            "Error: a.txt: the contact sheet cannot be written in this format\n",
        ),
        (
            ["photos", "--contact-sheet", "photos/b.png"],
            "Error: photos/b.png: is a photo of the report\n",
        ),
        (["photos", "--link", "-o", "-"], "Error: --link: a page on standard output has no "),
        (["photos", "--max-mb", "0.1"], None),
    ],
)
def test_wrong_usage_exits_2_and_writes_nothing(cli, done, args, err):
    Path("empty").mkdir()
    Path("text.txt").write_text("hello\n")
    before = sorted(Path().rglob("*"))

    ended = cli("report", *args)

    if err is None:  # two photos do fit
        assert ended.code == 0
        return
    assert ended.code == 2
    assert ended.err.startswith(err)
    assert "Hint: " in ended.err
    assert sorted(Path().rglob("*")) == before


def test_a_folder_that_does_not_exist_exits_1(cli, done):
    ended = cli("report", "photos", "-o", "none/report.html")

    assert ended.code == 1
    assert "none/report.html: cannot be written, its folder does not exist" in ended.err


def test_a_page_keeps_to_its_size(cli, draw):
    draw("in/a.png", "in/b.png", "out/a.png", "out/b.png", size=(700, 900))

    cli("report", "in", "out", "-o", "large.html")
    ended = cli("report", "in", "out", "--max-mb", "0.2")

    assert ended.code == 0
    assert Path("large.html").stat().st_size > 400_000
    assert Path("report.html").stat().st_size < 200_000


def test_linked_photos_stay_where_they_are(cli, done):
    ended = cli("report", "photos", "--link")

    page = Path("report.html").read_text()
    assert ended.code == 0
    assert 'data-link="photos/a.jpg"' in page
    assert 'data-link="photos-enhanced/b.png"' in page
    assert "text/plain" not in page


def test_a_contact_sheet_shows_them_too(cli, done):
    ended = cli("report", "photos", "--contact-sheet", "sheet.png")

    assert "sheet.png: contact sheet" in ended.err
    with Image.open("sheet.png") as sheet:
        assert sheet.size == (1654, 2339)


def test_quiet_says_only_where_the_page_is(cli, done):
    ended = cli("report", "photos", "--quiet")

    assert (ended.out, ended.err) == ("report.html\n", "")


def test_enhance_ends_with_a_report_and_a_sheet(cli, draw, model):
    draw("photos/a.jpg", "photos/<script>.png")
    Path("photos/broken.jpg").write_bytes(b"no")

    ended = cli(
        "enhance", "photos", "--report", "r.html", "--contact-sheet", "s.jpg", "--json"
    )  # fmt: skip

    assert ended.code == 1
    assert [json.loads(line)["record"] for line in ended.out.splitlines()] == [
        "start", "file", "file", "file", "summary",
    ]  # fmt: skip
    assert shown("r.html") == ["&lt;script&gt;.png", "a.jpg"]
    page = Path("r.html").read_text(encoding="utf-8")
    assert str(model) in page
    assert "broken.jpg</bdi>" in page
    assert Path("s.jpg").exists()
    assert "r.html: 2 photos, " in ended.err


def test_a_resumed_run_reports_on_what_was_done_before_too(cli, draw):
    draw("photos/a.jpg")
    cli("enhance", "photos")
    draw("photos/a.jpg", "photos/b.jpg")

    cli("enhance", "photos", "--report", "r.html")

    assert shown("r.html") == ["a.jpg", "b.jpg"]


@pytest.mark.parametrize(
    ("args", "err"),
    [
        (["--in-place"], "a report needs the originals, which --in-place replaces"),
        (["-o", "-"], "a report needs files, but the photo comes from or goes to a pipe"),
        (["--report", "-"], "--report -: standard output cannot take the page"),
        (["--report", "a.jpg"], "a.jpg: the report is an HTML page, not a picture"),
        (["--contact-sheet", "a.jpg"], "a.jpg: is a photo of the report"),
        (["--contact-sheet", "a-enhanced.jpg"], "a-enhanced.jpg: is a photo of the report"),
    ],
)
def test_enhance_refuses_a_report_that_cannot_be_before_it_does_anything(cli, draw, args, err):
    draw("a.jpg")
    before = Path("a.jpg").read_bytes()

    ended = cli("enhance", "a.jpg", "--report", "r.html", *args)

    assert ended.code == 2
    assert f"Error: {err}" in ended.err
    assert [path.name for path in Path().iterdir()] == ["a.jpg"]
    assert Path("a.jpg").read_bytes() == before


def test_an_interrupted_run_ends_without_a_report(capsys):
    settings = Settings("uegan", None, "cpu")
    ends = Finished(0, 0, 0, 0, 1, 1.0, ExitCode.INTERRUPTED)
    told = (each for each in (Started(1, settings), ends))
    events = reporting(told, (), Wanted(page="r.html"))

    assert list(events)[-1] is ends

    assert "note: no report was made; run again to go on" in capsys.readouterr().err
    assert not Path("r.html").exists()


def test_a_rehearsal_has_nothing_to_report(cli, draw):
    draw("a.jpg")

    ended = cli("enhance", "a.jpg", "--dry-run", "--report", "r.html")

    assert ended.code == 0
    assert "note: nothing was enhanced, so there is nothing to report" in ended.err
    assert not Path("r.html").exists()


def test_a_raws_result_has_the_raws_whole_name(cli, draw):
    draw("in/a.jpg", "out/a.cr3.tif", "out/a.png")
    Path("in/a.jpg").rename("in/a.cr3")

    ended = cli("report", "in", "out")

    assert "a.cr3: cannot be shown: in/a.cr3: " in ended.err
    assert ended.code == 1


def test_a_report_replaces_a_report(cli, done):
    cli("report", "photos", "--contact-sheet", "sheet.png")

    again = cli("report", "photos", "--contact-sheet", "sheet.png", "--title", "Second")

    assert again.code == 0
    assert "<h1>Second</h1>" in Path("report.html").read_text()


@pytest.mark.parametrize("name", ["sheet.png", "sheet.jpg", "sheet.tif", "sheet.webp"])
def test_a_contact_sheet_of_any_format_replaces_one(cli, done, name):
    assert cli("report", "photos", "--contact-sheet", name).code == 0
    assert cli("report", "photos", "--contact-sheet", name).code == 0


@pytest.mark.parametrize("content", [b"<!doctype html><title>My page</title>", b"notes"])
@pytest.mark.parametrize("command", [["report", "photos"], ["enhance", "photos", "--report"]])
def test_a_report_never_takes_the_place_of_something_else(cli, draw, command, content):
    draw("photos/a.jpg", "photos-enhanced/a.jpg")
    Path("report.html").write_bytes(content)

    ended = cli(*command, *(["report.html"] if command[-1] == "--report" else []))

    assert ended.code == 2
    assert ended.err.startswith("Error: report.html: exists, and is not a report of photoenhance\n")
    assert Path("report.html").read_bytes() == content


def test_an_empty_file_is_nothing_that_could_be_lost(cli, done):
    Path("report.html").touch()

    assert cli("report", "photos").code == 0


@pytest.mark.parametrize("there", ["sheet.png", "sheet-2.png"])
def test_a_contact_sheet_never_takes_the_place_of_a_photo(cli, draw, there):
    draw(*(f"photos/{number}.jpg" for number in range(13)))
    draw(*(f"photos-enhanced/{number}.jpg" for number in range(13)))
    draw(there)
    before = Path(there).read_bytes()

    ended = cli("report", "photos", "--contact-sheet", "sheet.png")

    assert ended.code == 2
    assert ended.err.startswith(
        f"Error: {there}: exists, and is not a contact sheet of photoenhance\n"
    )
    assert Path(there).read_bytes() == before
    assert not Path("report.html").exists()


def test_a_log_that_was_cut_shows_the_rest(cli, draw):
    draw("photos/a.jpg", "photos/b.jpg")
    cli("enhance", "photos", "--log", "run.jsonl")
    log = Path("run.jsonl").read_bytes().splitlines(keepends=True)
    Path("run.jsonl").write_bytes(b"".join(log[:2]) + log[2][:20])

    ended = cli("report", "run.jsonl")

    assert ended.code == 0
    assert shown() == ["a.jpg"]
    assert "note: run.jsonl: passed over, since cut short: line 3\n" in ended.err


def test_a_result_that_cannot_be_shown_makes_the_run_fail(cli, draw, monkeypatch):
    draw("photos/a.jpg", "photos/b.jpg")
    real = publication.publish

    def late(*args, **options):
        Path("photos-enhanced/b.jpg").write_bytes(b"damaged meanwhile")
        return real(*args, **options)

    monkeypatch.setattr(publication, "publish", late)

    ended = cli("enhance", "photos", "--report", "report.html")

    assert ended.code == 1
    assert "b.jpg: cannot be shown: " in ended.err
    assert ended.err.endswith("Error: the report: not all photos could be shown\n")
    assert shown() == ["a.jpg"]


def test_results_among_the_photos_are_not_in_the_report(cli, draw):
    draw("a.jpg")
    cli("enhance", "a.jpg")

    ended = cli("enhance", "a.jpg", "a-enhanced.jpg", "--report", "report.html")

    assert ended.code == 0
    assert shown() == ["a.jpg"]
    assert "not shown" not in Path("report.html").read_text()


def test_without_a_log_the_results_name_model_and_settings(cli, draw, model):
    draw("photos/a.jpg", "photos/b.jpg")
    cli("enhance", "photos", "--strength", "0.5")

    cli("report", "photos")

    page = Path("report.html").read_text(encoding="utf-8")
    for fact in (model.name, store.sha256(model), "<dt>Settings</dt><dd>strength 0.5, fp32</dd>"):
        assert fact in page


def test_results_of_several_settings_are_told_apart(cli, draw, model):
    draw("photos/a.jpg", "photos/b.jpg")
    cli("enhance", "photos/a.jpg", "-o", "photos-enhanced/")
    cli("enhance", "photos/b.jpg", "-o", "photos-enhanced/", "--strength", "0.5")

    cli("report", "photos")

    page = Path("report.html").read_text(encoding="utf-8")
    assert "<dd>strength 1, fp32; strength 0.5, fp32</dd>" in page
    assert f"{model.name}, strength 0.5, fp32" in page
