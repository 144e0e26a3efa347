"""`photoenhance doctor`."""

import json
import os
import shutil
import sys
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace

import pytest

from photoenhance.cli import packages
from photoenhance.imaging import formats
from photoenhance.inference import selftest
from photoenhance.inference.selftest import Outcome


@pytest.fixture
def doctor(cli, model):
    """What the doctor finds with the tiny model, by group and name."""

    def call(*args):
        ended = cli("doctor", "--model", model, "--device", "cpu", "--json", *args)
        *found, summary = [json.loads(line) for line in ended.out.splitlines()]
        by_name = {(each["group"], each["name"]): each for each in found}
        return SimpleNamespace(code=ended.code, found=by_name, summary=summary, err=ended.err)

    return call


def test_a_sound_installation_exits_0_and_says_what_it_is(cli, model):
    ended = cli("doctor", "--model", model, "--device", "cpu")

    assert ended.code == 0
    assert ended.err == ""
    headings = [line for line in ended.out.splitlines() if line and not line.startswith(" ")]
    assert headings[:-1] == [
        "Folders", "Programs", "Formats", "Metrics", "Devices", "Engines", "Models", "Self-test",
    ]  # fmt: skip
    assert headings[-1].startswith("photoenhance works here")


def test_json_is_lines_of_one_schema(doctor):
    report = doctor("--no-self-test")

    keys = {"schema", "record", "group", "name", "status", "value", "hint"}
    assert {frozenset(each) for each in report.found.values()} == {frozenset(keys)}
    assert report.summary["record"] == "summary"
    assert report.summary["exit_code"] == report.code == 0
    assert report.summary["ok"] == sum(f["status"] == "ok" for f in report.found.values())


def test_the_self_test_enhances_and_tells_its_speed(doctor, model):
    finding = doctor().found["self-test", f"{model} on cpu"]

    assert finding["status"] == "ok"
    assert "MP/s; in tiles as at once" in finding["value"]


def test_the_self_test_can_be_left_out(doctor):
    assert {group for group, _ in doctor("--no-self-test").found} & {"self-test"} == set()


def test_every_format_is_tried(doctor):
    found = doctor("--no-self-test").found

    assert found["formats", "jpeg"]["value"] == "read and written (.jpg .jpeg .jpe .jfif ...)"
    expected = "ok" if find_spec("pillow_heif") else "missing"
    assert found["formats", "heif"]["status"] == expected


def test_what_is_not_installed_is_named_with_the_way_to_get_it(doctor, monkeypatch):
    monkeypatch.setattr(formats, "find_spec", lambda name: None)
    monkeypatch.setattr(packages, "find_spec", lambda name: None)

    report = doctor("--no-self-test")

    assert report.code == 0
    heif = report.found["programs", "pillow-heif"]
    assert (heif["status"], heif["hint"]) == ("missing", "pip install 'photoenhance[heif]'")
    assert report.found["formats", "raw"]["hint"] == "pip install 'photoenhance[raw]'"
    onnx = report.found["engines", "ONNX Runtime"]
    assert (onnx["status"], onnx["hint"]) == ("missing", "pip install 'photoenhance[onnx]'")


def test_a_package_that_cannot_be_imported_exits_1_and_ends_the_tests_that_need_it(
    doctor, tmp_path, monkeypatch
):
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "tifffile.py").write_text("raise ImportError('no such symbol\\nmore')\n")
    monkeypatch.syspath_prepend(broken)
    monkeypatch.delitem(sys.modules, "tifffile")

    report = doctor()

    assert report.code == 1
    assert report.found["programs", "tifffile"]["value"] == "cannot be imported: no such symbol"
    assert ("formats", "tiff") not in report.found


def test_a_package_that_only_training_needs_is_a_warning(doctor, tmp_path, monkeypatch):
    (tmp_path / "torchvision.py").write_text("raise RuntimeError('operator does not exist')\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "torchvision", raising=False)

    report = doctor("--no-self-test")

    assert report.code == 0
    finding = report.found["programs", "torchvision"]
    assert finding["status"] == "warning"
    assert "operator does not exist; needed only for training" in finding["value"]


def test_a_model_that_does_not_exist_exits_3(cli):
    ended = cli("doctor", "--model", "ugan", "--device", "cpu")

    assert ended.code == 3
    assert "FAILED   ugan" in ended.out
    assert "no model, file or training run of this name" in ended.out
    assert "Self-test" not in ended.out
    assert "1 of these must be put right." in ended.out


def test_a_damaged_model_exits_3(doctor, cli, model):
    shutil.copy(model, "damaged.safetensors")
    with Path("damaged.safetensors").open("r+b") as file:
        file.truncate(2000)

    assert cli("doctor", "--model", "damaged.safetensors", "--device", "cpu").code == 3


def test_a_device_that_is_not_here_exits_4(cli, model):
    ended = cli("doctor", "--model", model, "--device", "cuda:99")

    assert ended.code == 4
    assert "device cuda:99: not available on this machine" in ended.out


def test_a_wrong_result_exits_4(doctor, model, monkeypatch):
    monkeypatch.setattr(selftest, "examine", lambda *args: Outcome(1, 9, 7, is_repeatable=False))

    report = doctor()

    assert report.code == 4
    assert report.found["self-test", f"{model} on cpu"]["value"] == (
        "tiles differ by 7 levels from the photo at once; "
        "the same photo came out differently the second time"
    )


@pytest.mark.skipif(os.name != "posix", reason="needs POSIX permissions")
def test_a_folder_that_may_not_be_written_to_exits_1(doctor, home, monkeypatch):
    home.mkdir()
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path) != home)

    report = doctor("--no-self-test")

    assert report.code == 1
    assert report.found["folders", "cache"]["value"].endswith("may not be written to")


def test_a_full_disk_is_a_warning(doctor, monkeypatch):
    full = SimpleNamespace(total=1, used=1, free=5 << 20)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: full)

    report = doctor("--no-self-test")

    assert report.code == 0
    assert report.found["folders", "state"]["status"] == "warning"
    assert "only 5 MiB free" in report.found["folders", "state"]["value"]


def test_nothing_is_made(doctor, home):
    doctor()

    assert not home.exists()
    assert list(Path().iterdir()) == []
