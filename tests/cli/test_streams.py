"""Pipes, lists and terminals, in processes of their own."""

import io
import json
import os
import pty
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from PIL import Image

COMMAND = [sys.executable, "-m", "photoenhance"]


def opened(data):
    with Image.open(io.BytesIO(data)) as picture:
        picture.load()
        return picture


def test_a_photo_goes_through_a_pipe(cli, draw):
    draw("a.jpg")

    ended = cli("enhance", "-", "-o", "-", stdin=Path("a.jpg").read_bytes())

    assert ended.code == 0
    assert opened(ended.data).format == "JPEG"


def test_a_pipe_can_change_the_format(cli, draw):
    draw("a.jpg")

    ended = cli("enhance", "a.jpg", "-o", "-", "--format", "png", "--quiet")

    assert opened(ended.data).format == "PNG"
    assert ended.err == ""


def test_standard_input_can_go_to_a_file(cli, draw):
    draw("a.jpg")

    ended = cli("enhance", "-", "-o", "b.png", stdin=Path("a.jpg").read_bytes())

    assert ended.code == 0
    assert opened(Path("b.png").read_bytes()).format == "PNG"


def test_a_named_pipe_is_read_once(draw):
    draw("a.jpg")
    command = " ".join([*COMMAND, "enhance", "<(cat a.jpg)", "-o", "b.jpg"])

    ended = subprocess.run(["bash", "-c", command], capture_output=True, timeout=60, check=False)

    assert ended.returncode == 0
    assert opened(Path("b.jpg").read_bytes()).format == "JPEG"


def test_standard_input_by_its_path_is_no_device(draw):
    draw("a.jpg")
    command = " ".join(["cat a.jpg |", *COMMAND, "enhance", "/dev/stdin", "-o", "b.jpg"])

    ended = subprocess.run(["bash", "-c", command], capture_output=True, timeout=60, check=False)

    assert ended.returncode == 0
    assert opened(Path("b.jpg").read_bytes()).format == "JPEG"


def test_the_records_of_a_pipe_go_to_a_log(cli, draw):
    draw("a.jpg")

    cli("enhance", "a.jpg", "-o", "-", "--log", "run.log")

    assert [json.loads(line)["record"] for line in Path("run.log").read_text().splitlines()] == [
        "start",
        "file",
        "summary",
    ]


@pytest.mark.parametrize("name", ["b.jpg", "new.png", "notes.txt"])
def test_records_go_into_no_file_of_somebody_else(cli, draw, name):
    draw("a.jpg", "b.jpg")
    Path("notes.txt").write_text("Mine.\n")
    before = {path.name: path.read_bytes() for path in Path().iterdir()}

    ended = cli("enhance", "a.jpg", "--log", name)

    assert ended.code == 2
    assert ended.err.startswith(f"Error: {name}: ")
    assert "Hint: Name another file after --log." in ended.err
    assert {path.name: path.read_bytes() for path in Path().iterdir()} == before


def test_records_are_added_to_a_log_and_to_an_empty_file(cli, draw):
    draw("a.jpg")
    Path("run.log").touch()

    codes = [cli("enhance", "a.jpg", "--log", "run.log").code for _ in range(2)]

    assert codes == [0, 0]
    assert len(Path("run.log").read_text().splitlines()) == 6


def test_garbage_through_a_pipe_fails_and_writes_nothing(cli):
    ended = cli("enhance", "-", "-o", "-", stdin=b"garbage")

    assert ended.code == 1
    assert ended.data == b""
    assert "-: not a photo in a supported format" in ended.err
    assert "Traceback" not in ended.err


def test_standard_input_needs_a_place_for_its_result(cli):
    ended = cli("enhance", "-", stdin=b"")

    assert ended.code == 2
    assert ended.err.startswith("Error: standard input: no place for the result was named\n")


def test_a_list_with_null_bytes_takes_any_name(cli, draw):
    odd = "line\nbreak.jpg"
    draw("photos/a.jpg", f"photos/sub/{odd}")
    data = f"photos/a.jpg\0photos/sub/{odd}\0".encode()

    ended = cli("enhance", "--files-from", "-", "-0", "-o", "out", "--json", stdin=data)

    assert ended.code == 0
    assert Path("out/photos/a.jpg").is_file()
    assert Path("out/photos/sub", odd).is_file()
    assert all(json.loads(line) for line in ended.out.splitlines())


@pytest.mark.parametrize(("options", "code"), [([], 2), (["--allow-empty"], 0)])
def test_an_empty_list_is_like_an_empty_folder(cli, options, code):
    assert cli("enhance", "--files-from", "-", *options).code == code


def test_a_list_of_lines_reports_what_has_vanished(cli, draw):
    draw("a.jpg")
    Path("list").write_text("a.jpg\n\ngone.jpg\n")

    ended = cli("enhance", "--files-from", "list")

    assert ended.code == 1
    assert "gone.jpg: cannot be read: No such file or directory" in ended.err
    assert Path("a-enhanced.jpg").is_file()


@pytest.mark.parametrize(
    ("args", "code"),
    [
        ("photos <&- >&- 2>&-", 0),
        ("photos --json >&-", 2),
        ("a.jpg -o - >&-", 2),
        ("- -o b.jpg <&-", 2),
        ("--files-from - <&-", 2),
    ],
)
def test_closed_streams_matter_only_where_they_are_needed(draw, args, code):
    draw("photos/a.jpg", "a.jpg")

    ended = subprocess.run(
        ["bash", "-c", f"{' '.join(COMMAND)} enhance {args}"],
        capture_output=True,
        timeout=60,
        check=False,
    )

    assert ended.returncode == code
    assert b"Traceback" not in ended.stderr


def test_a_reader_that_goes_away_ends_the_program_quietly(draw):
    draw(*(f"photos/{number}.jpg" for number in range(9)))
    command = " ".join([*COMMAND, "enhance", "photos", "--json", "--quiet"])

    ended = subprocess.run(
        ["bash", "-c", f"{command} | head -1"], capture_output=True, timeout=60, check=False
    )

    assert json.loads(ended.stdout)["record"] == "start"
    assert ended.stderr == b""
    assert len(list(Path("photos-enhanced").iterdir())) < 9


def test_a_photo_never_goes_to_a_terminal(draw):
    draw("a.jpg")
    main, terminal = pty.openpty()

    ended = subprocess.run(
        [*COMMAND, "enhance", "a.jpg", "-o", "-"],
        stdout=terminal,
        stderr=subprocess.PIPE,
        timeout=60,
        check=False,
    )
    os.close(terminal)
    os.close(main)

    assert ended.returncode == 2
    assert ended.stderr.startswith(b"Error: standard output: is a terminal")


@pytest.mark.parametrize(
    ("args", "has_bar"),
    [
        (["photos"], True),
        (["photos", "--no-progress"], False),
        (["photos", "--dry-run"], False),
        (["photos/a.jpg"], False),
    ],
)
def test_a_terminal_gets_a_bar_for_many_photos_unless_it_is_unwanted(
    draw, args, has_bar, monkeypatch
):
    monkeypatch.setenv("TERM", "xterm")
    draw("photos/a.jpg", "photos/b.jpg")
    main, terminal = pty.openpty()

    process = subprocess.Popen([*COMMAND, "enhance", *args], stderr=terminal)
    os.close(terminal)
    shown = b""
    while True:
        try:
            shown += os.read(main, 4096)
        except OSError:
            break
    os.close(main)

    assert process.wait(timeout=60) == 0
    assert (b"2/2 photos" in shown and b"MP/s" in shown) == has_bar
    assert (b"photos/a.jpg -> " in shown) != has_bar
    assert b"enhanced in" in shown


def test_json_goes_to_standard_output_beside_a_bar(draw, monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    draw("photos/a.jpg")
    main, terminal = pty.openpty()

    ended = subprocess.run(
        [*COMMAND, "enhance", "photos", "--json"],
        stdout=subprocess.PIPE,
        stderr=terminal,
        timeout=60,
        check=False,
    )
    os.close(terminal)
    os.close(main)

    assert [json.loads(line)["record"] for line in ended.stdout.splitlines()] == [
        "start",
        "file",
        "summary",
    ]


def interrupted(times, draw):
    draw(*(f"photos/{number:02}.png" for number in range(60)), size=(64, 64))
    process = subprocess.Popen(
        [*COMMAND, "enhance", "photos", "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    lines = [process.stdout.readline(), process.stdout.readline()]
    for _ in range(times):
        process.send_signal(signal.SIGINT)
        time.sleep(0.005)
    rest, errors = process.communicate(timeout=60)
    return process.returncode, b"".join(lines) + rest, errors


def test_ctrl_c_ends_after_the_current_photo_with_a_summary_and_130(draw):
    code, out, errors = interrupted(1, draw)

    summary = json.loads(out.splitlines()[-1])
    assert code == 130
    assert summary["exit_code"] == 130
    assert summary["ok"] + summary["not_started"] == 60
    assert summary["not_started"] > 0
    assert b"Traceback" not in errors


def test_ctrl_c_twice_ends_at_once(draw):
    code, _, errors = interrupted(4, draw)

    assert code == 130
    assert b"Traceback" not in errors


def test_ctrl_c_twice_ends_a_wait_for_standard_input():
    process = subprocess.Popen(
        [*COMMAND, "enhance", "-", "-o", "b.jpg"], stdin=subprocess.PIPE, stderr=subprocess.PIPE
    )
    begun = process.stderr.readline()
    process.send_signal(signal.SIGINT)
    answer = process.stderr.readline()
    process.send_signal(signal.SIGINT)

    errors = process.communicate(timeout=60)[1]

    assert process.returncode == 130
    assert b" on cpu, fp32" in begun
    assert answer.startswith(b"Interrupted: ")
    assert b"Traceback" not in errors
