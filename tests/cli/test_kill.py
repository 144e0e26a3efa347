"""A batch that is killed at any moment leaves whole files and can go on."""

import json
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

PHOTOS = 40


def start(*args):
    command = [sys.executable, "-m", "photoenhance", "enhance", *map(str, args), "--json"]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)


def contents(folder):
    if not folder.exists():
        return {}
    visible = [path for path in folder.iterdir() if not path.name.startswith(".")]
    return {path.name: path.read_bytes() for path in visible}


def kill_somewhere(args, rng):
    """Start a batch and kill it in the middle; return what it told until then."""
    process = start(*args)
    lines = [process.stdout.readline()]  # the batch begins: models are loaded
    time.sleep(rng.uniform(0, 0.5))
    process.send_signal(signal.SIGKILL)
    rest, _ = process.communicate()
    assert process.returncode in (0, -signal.SIGKILL)
    return process.returncode != 0, [*lines, *rest.splitlines(keepends=True)]


def done_in(lines):
    whole = [json.loads(line) for line in lines if line.endswith(b"\n")]
    return {Path(each["output"]).name for each in whole if each.get("status") == "ok"}


@pytest.mark.parametrize("in_place", [False, True])
@pytest.mark.parametrize("kills", [1, pytest.param(25, marks=pytest.mark.slow)])
def test_a_killed_batch_leaves_whole_files_and_goes_on_without_redoing_any(
    cli, draw, monkeypatch, kills, in_place
):
    rng = random.Random(kills)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    draw(*(f"photos/{number:02}.png" for number in range(PHOTOS)))
    before = contents(Path("photos"))
    assert cli("enhance", "photos", "-o", "right").code == 0
    right = contents(Path("right"))

    killed, batch = 0, 0
    while killed < kills:
        batch += 1
        folder = Path(f"batch-{batch}")
        folder.mkdir()
        for name, data in before.items():
            (folder / name).write_bytes(data)
        output = folder if in_place else Path(f"out-{batch}")
        args = [folder, "--in-place"] if in_place else [folder, "-o", output]
        finished: set[str] = set()
        while killed < kills:
            was_killed, lines = kill_somewhere(args, rng)
            killed += was_killed
            again = done_in(lines)
            now = contents(output)

            assert not finished & again, "finished photos were done again"
            assert all(now[name] == right[name] for name in again)
            allowed = {
                name: {data, before[name] if in_place else data} for name, data in right.items()
            }
            assert all(data in allowed[name] for name, data in now.items())
            finished |= {name for name, data in now.items() if data == right[name]}
            if not was_killed:
                break
        last = start(*args)
        told, _ = last.communicate()

        assert last.returncode == 0
        assert contents(output) == right
        assert not [path.name for path in output.iterdir() if path.name.startswith(".")]
        assert not finished & done_in(told.splitlines(keepends=True))
