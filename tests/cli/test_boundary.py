"""What the program does about what nobody has foreseen, and about streams that fail."""

import errno
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from photoenhance.batch import bench
from photoenhance.cli.render import tell
from photoenhance.errors import ImageError
from photoenhance.imaging.silence import silenced

COMMAND = [sys.executable, "-m", "photoenhance"]


def shell(line, **variables):
    """Run a line of shell; P is the command."""
    return subprocess.run(
        ["bash", "-c", line.replace("P ", " ".join(COMMAND) + " ")],
        capture_output=True, timeout=120, check=False, env=os.environ | variables,
    )  # fmt: skip


def test_a_mistake_of_ours_is_one_line_and_exits_70(cli, draw, home, monkeypatch):
    draw("a.jpg")

    def broken(*args, **options):
        raise TypeError("expected this,\ngot that")

    monkeypatch.setattr("photoenhance.cli.enhance.jobs_of", broken)

    ended = cli("enhance", "a.jpg")

    assert ended.code == 70
    line = re.fullmatch(
        r"photoenhance: a mistake of ours \(TypeError: expected this, got that\); "
        r"the full trace is in (\S+)\n",
        ended.err,
    )
    file = Path(line[1])
    assert file.parent == home / "state"
    assert "TypeError: expected this" in file.read_text()
    assert "in broken" in file.read_text()
    assert "'enhance', 'a.jpg'" in file.read_text()


def test_a_mistake_of_ours_in_one_photo_leaves_its_trace_and_the_rest_is_done(
    cli, draw, home, monkeypatch
):
    draw("a.jpg", "b.jpg")
    real = bench.encode

    def broken(photo, *args, **options):
        if not list(Path().glob("*-enhanced.jpg")):
            Path("a-enhanced.jpg").touch()
            raise TypeError("oh")
        return real(photo, *args, **options)

    monkeypatch.setattr(bench, "encode", broken)

    ended = cli("enhance", "a.jpg", "b.jpg", "-o", "out")

    assert ended.code == 70
    assert Path("out/b.jpg").exists()
    trace = Path(re.search(r"The full trace is in (\S+)\.$", ended.err, re.MULTILINE)[1])
    assert trace.parent == home / "state"
    assert "in broken" in trace.read_text()


def test_the_trace_goes_elsewhere_where_there_is_no_home(cli, tmp_path, monkeypatch):
    (tmp_path / "occupied").touch()
    monkeypatch.setenv("PHOTOENHANCE_HOME", str(tmp_path / "occupied"))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    monkeypatch.setattr("photoenhance.zoo.inventory.listed", lambda: 1 / 0)

    ended = cli("models", "list")

    assert ended.code == 70
    assert f"the full trace is in {tmp_path / 'temporary'}" in ended.err


def test_a_mistake_of_ours_that_finds_no_folder_is_still_one_line(cli, monkeypatch):
    def broken(*args):
        raise RuntimeError

    monkeypatch.setattr("photoenhance.zoo.inventory.listed", lambda: 1 / 0)
    monkeypatch.setattr("photoenhance.zoo.store.folder", broken)
    with monkeypatch.context() as patch:  # pytest itself needs such a folder in the end
        patch.setattr("tempfile.gettempdir", broken)
        ended = cli("models", "list", "--json")

    assert ended.code == 70
    assert ended.err.splitlines()[0].startswith("photoenhance: a mistake of ours (")
    assert ended.err.count("\n") == 1


def test_a_full_disk_is_not_taken_for_standard_output_alone(cli, monkeypatch):
    def listed():
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("photoenhance.zoo.inventory.listed", listed)

    ended = cli("models", "list")

    assert ended.code == 1
    assert ended.err == (
        "Error: standard output, or a file, cannot be written: No space left on device\n"
    )


def test_a_library_that_cannot_be_loaded_is_one_line(cli, draw, tmp_path, monkeypatch):
    draw("in/a.jpg")
    (tmp_path / "skimage.py").write_text("raise ImportError('libgomp.so.1: no such file')\n")
    code = "import sys; from photoenhance.cli.app import main; sys.exit(main())"

    ended = subprocess.run(
        [sys.executable, "-c", code, "evaluate", "--inputs", "in"],
        capture_output=True, text=True, timeout=60, check=False,
        env=os.environ | {"PYTHONPATH": f"{tmp_path}{os.pathsep}{os.environ['PYTHONPATH']}"},
    )  # fmt: skip

    assert ended.returncode == 1
    assert "Error: a library cannot be loaded: libgomp.so.1: no such file\nHint: " in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize("package", ["rich", "typer", "torch"])
def test_a_broken_library_of_any_kind_is_one_line(draw, tmp_path, model, package):
    draw("a.jpg")
    (tmp_path / package).mkdir()
    (tmp_path / package / "__init__.py").write_text("raise ImportError('no such\\nsymbol')\n")

    ended = subprocess.run(
        [*COMMAND, "enhance", "a.jpg", "--model", model],
        capture_output=True, text=True, timeout=60, check=False,
        env=os.environ | {"PYTHONPATH": f"{tmp_path}{os.pathsep}{os.environ['PYTHONPATH']}"},
    )  # fmt: skip

    assert ended.returncode == 1
    assert ended.stderr.startswith("Error: a library cannot be loaded: no such symbol\nHint: ")


def test_what_is_told_at_the_end_stays_on_its_line_and_changes_no_terminal(cli):
    ended = cli("report", "a\x1b[31m\nb.jpg")

    assert ended.err.splitlines()[0] == "Error: a\\x1b[31m\\nb.jpg: no such file or folder"


def test_too_little_memory_is_one_line(cli, draw, monkeypatch):
    draw("a.jpg")

    def greedy(*args, **options):
        raise MemoryError

    monkeypatch.setattr("photoenhance.cli.enhance.jobs_of", greedy)

    ended = cli("enhance", "a.jpg")

    assert ended.code == 4
    assert ended.err.startswith("Error: there is not enough memory\n")


@pytest.mark.parametrize(
    ("encoding", "args"),
    [
        ("ascii", ["--help"]),
        ("ascii", ["enhance", "--help"]),
        ("cp1252", ["train", "--help"]),
        ("cp1252", ["config", "show"]),
        ("latin-1", ["models", "list"]),
        ("ascii", ["enhance", "--colour"]),
    ],
)
def test_no_encoding_stops_what_is_printed(spawn, args, encoding):
    ended = spawn(*args, env=os.environ | {"PYTHONIOENCODING": encoding})

    assert b"Traceback" not in ended.stderr
    assert ended.returncode == (2 if "--colour" in args else 0)
    assert (ended.stdout + ended.stderr).decode(encoding)


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "utf-8"])
def test_no_encoding_stops_the_table_of_scores(spawn, draw, encoding):
    draw("in/schön.png", "ref/schön.png")

    ended = spawn(
        *("evaluate", "--inputs", "in", "--references", "ref", "--csv", "scores.csv"),
        env=os.environ | {"PYTHONIOENCODING": encoding, "COLUMNS": "150"},
    )

    assert ended.returncode == 0
    assert b"Traceback" not in ended.stderr
    table = ended.stdout.decode(encoding)
    assert "PSNR" in table
    assert ("\N{GREEK CAPITAL LETTER DELTA}E" if encoding == "utf-8" else "dE") in table
    assert ("sch\\xf6n" if encoding == "ascii" else "schön") in table
    assert "schön" in Path("scores.csv").read_text(encoding="utf-8")


def test_scores_are_written_before_they_are_printed(draw):
    draw("in/a.png")

    ended = shell("P evaluate --inputs in --csv scores.csv > /dev/full")

    assert ended.returncode == 1
    assert b"Error: standard output, or a file, cannot be written: No space" in ended.stderr
    assert Path("scores.csv").read_text().startswith("photo,model,")


@pytest.mark.parametrize(("columns", "longest"), [("60", 60), ("0", 240)])
def test_tables_in_a_pipe_are_as_wide_as_was_asked(spawn, draw, columns, longest):
    draw("in/a.png", "ref/a.png")

    ended = spawn(
        "evaluate", "--inputs", "in", "--references", "ref", env=os.environ | {"COLUMNS": columns}
    )

    assert 0 < max(map(len, ended.stdout.decode().splitlines())) <= longest


def test_a_terminal_without_columns_is_told_of_failures(spawn):
    Path("broken.jpg").write_bytes(b"\xff\xd8\xff broken")

    ended = spawn("enhance", "broken.jpg", env=os.environ | {"COLUMNS": "0"})

    assert ended.returncode == 1
    assert b"broken.jpg: failed: " in ended.stderr


def test_a_full_log_is_told_and_the_photos_are_done(draw):
    draw("photos/a.jpg", "photos/b.jpg")

    ended = shell("P enhance photos --log /dev/full")

    assert ended.returncode == 1
    assert ended.stderr.count(b"No space left on device") == 1
    assert b"/dev/full: the records cannot be written: No space left on device" in ended.stderr
    assert len(list(Path("photos-enhanced").iterdir())) == 2


def test_records_that_find_no_room_stop_no_photo(draw):
    draw("photos/a.jpg", "photos/b.jpg")

    ended = shell("P enhance photos --json > /dev/full")

    assert ended.returncode == 1
    assert b"standard output: the records cannot be written: No space left" in ended.stderr
    assert b"Traceback" not in ended.stderr
    assert len(list(Path("photos-enhanced").iterdir())) == 2


def test_a_full_standard_error_stops_no_photo(draw):
    draw("photos/a.jpg", "photos/b.jpg")

    ended = shell("P enhance photos 2> /dev/full")

    assert ended.returncode == 0
    assert len(list(Path("photos-enhanced").iterdir())) == 2


def test_a_photo_that_finds_no_room_is_a_failure(draw):
    draw("a.jpg")

    ended = shell("P enhance a.jpg -o - > /dev/full")

    assert ended.returncode == 1
    assert b"standard output: cannot be written: No space left on device" in ended.stderr
    assert b"Report this" not in ended.stderr


@pytest.mark.parametrize("args", ["models list", "--help"])
def test_a_full_standard_output_is_told(args):
    ended = shell(f"P {args} > /dev/full")

    assert ended.returncode == 1
    assert ended.stderr == (
        b"Error: standard output, or a file, cannot be written: No space left on device\n"
    )


@pytest.mark.parametrize(
    "args",
    ["models list", "config show", "doctor --no-self-test", "enhance --help",
     "evaluate --inputs photos --json -q", "enhance photos --json -q"],
)  # fmt: skip
def test_a_reader_that_goes_away_ends_every_command_quietly(draw, args):
    draw(*(f"photos/{number}.jpg" for number in range(9)))

    ended = shell(f"P {args} | head -n 1")

    assert ended.stdout
    assert ended.stderr.replace(b"note: without niqe, nima: see --metrics niqe\n", b"") == b""


def test_a_log_that_was_cut_goes_on_on_a_line_of_its_own(cli, draw):
    draw("a.jpg")
    Path("run.log").write_text('{"schema": 1, "rec')

    cli("enhance", "a.jpg", "--log", "run.log")

    cut, *whole = Path("run.log").read_text().splitlines()
    assert cut == '{"schema": 1, "rec'
    assert [json.loads(line)["record"] for line in whole] == ["start", "file", "summary"]


def test_what_is_told_is_heard_while_a_library_is_silenced(cli, monkeypatch):
    def listed():
        with silenced():
            os.write(2, b"chatter of a decoder\n")
            tell("Interrupted: finishing this photo.")
        return []

    monkeypatch.setattr("photoenhance.zoo.inventory.listed", listed)

    assert cli("models", "list", "--json").err == "Interrupted: finishing this photo.\n"


def test_standard_error_is_as_before_when_the_program_has_ended(cli, capfdbinary):
    before = sys.stderr
    cli("--version")

    assert sys.stderr is before
    os.write(2, b"here\n")
    assert capfdbinary.readouterr().err == b"here\n"


def test_a_hint_that_several_photos_share_stands_once(cli, draw, monkeypatch):
    draw("a.jpg", "b.jpg", "c.jpg")
    Path("d.jpg").write_bytes(b"\xff\xd8\xff cut")

    def failing(*args, **options):
        raise ImageError("cannot be encoded", hint="Install something.")

    monkeypatch.setattr("photoenhance.batch.bench.encode", failing)

    ended = cli("enhance", "a.jpg", "b.jpg", "c.jpg", "d.jpg")

    assert ended.code == 1
    assert ended.err.count("Install something.") == 1
    assert "  b.jpg: cannot be encoded.\n" in ended.err
    assert ended.err.endswith("For 3 of them: Install something.\n")
