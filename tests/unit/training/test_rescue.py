"""A step that takes longer than whoever interrupts it will wait."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[3]

SLOW_STEP = """
import sys, time
from pathlib import Path
from photoenhance.training import rescue

rescue.LATE, rescue.POLL = float(sys.argv[1]), 0.05
saved = rescue.Rescue(lambda: True, lambda step, content: Path(str(step)).write_bytes(content))
with saved.watching():
    saved.keep(7, b"state")
    {action}
    time.sleep(3)
Path("ended").touch()
"""


def slow_step(folder: Path, action: str, late: float = 0.2) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", SLOW_STEP.format(action=action), str(late)],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_state_before_a_long_step_is_saved_and_the_program_ends(tmp_path: Path) -> None:
    ended = slow_step(tmp_path, "pass")

    assert ended.returncode == 130
    assert (tmp_path / "7").read_bytes() == b"state"
    assert not (tmp_path / "ended").exists()
    assert "step 8 is given up" in ended.stderr


def test_a_full_disk_leaves_the_end_to_the_run(tmp_path: Path) -> None:
    action = "saved._write = lambda *_: (_ for _ in ()).throw(rescue.PhotoEnhanceError('full'))"

    ended = slow_step(tmp_path, action)

    assert ended.returncode == 0
    assert (tmp_path / "ended").exists()
    assert "the state before step 8: full" in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize("action", ["saved.stand_down()", "saved.forget()"])
def test_a_run_that_saves_by_itself_is_left_to_it(tmp_path: Path, action: str) -> None:
    ended = slow_step(tmp_path, action)

    assert ended.returncode == 0
    assert (tmp_path / "ended").exists()
    assert not (tmp_path / "7").exists()
