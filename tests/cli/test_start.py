"""The command as such: help, version, and what starting up costs."""

import os
import signal
import subprocess
import sys

import pytest

from photoenhance import __version__

HEAVY = ("torch", "numpy", "cv2", "PIL", "torchvision")


def test_help_lists_the_commands(cli):
    ended = cli("--help")

    assert ended.code == 0
    assert "enhance" in ended.out
    assert "models" in ended.out


def test_no_arguments_show_the_help(cli):
    ended = cli()

    assert ended.code == 2
    assert "Usage" in ended.out + ended.err


def test_version_is_the_packages(cli):
    ended = cli("--version")

    assert (ended.code, ended.out) == (0, f"photoenhance {__version__}\n")


def test_help_of_enhance_names_every_option_that_users_rely_on(cli):
    ended = cli("enhance", "--help")

    assert ended.code == 0
    for option in (
        *("--output", "--model", "--strength", "--device", "--precision", "--tile", "--rendering"),
        *("--recursive", "--on-exists", "--json", "--max-pixels", "--quality", "--dry-run"),
        *("--strip-metadata", "--fail-fast", "--allow-empty", "--files-from", "--in-place"),
    ):
        assert option in ended.out


def test_an_unknown_option_exits_2(cli):
    ended = cli("enhance", "--colour", "a.jpg")

    assert ended.code == 2
    assert "No such option" in ended.err
    assert "--colour" in ended.err


def test_an_unknown_command_exits_2(cli):
    assert cli("improve").code == 2


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["enhnce", "a.jpg"], "Did you mean 'enhance'?"),
        (["train", "chek"], "Did you mean 'check'?"),
        (["models", "lst"], "Did you mean 'list'?"),
        (["photo.jpg"], "write: photoenhance enhance photo.jpg"),
        (["my photo.jpg"], "write: photoenhance enhance 'my photo.jpg'"),
        (["model", "list"], "Did you mean 'models'?"),
        (["model/"], "write: photoenhance enhance model/"),
        (["photos"], "write: photoenhance enhance photos"),
        (["train", "photos"], "write: photoenhance train --target photos"),
        (["train", "../my_style"], "write: photoenhance train --target ../my_style"),
        (["enhance", "--strenght", "1"], "--strength"),
    ],
)
def test_what_is_meant_is_said(cli, draw, args, message):
    draw("photos/a.jpg", "model/a.jpg")

    ended = cli(*args)

    assert ended.code == 2
    assert message in ended.err


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["enhance", "a.jpg", "--strength", "high"], "high is not a number"),
        (["enhance", "a.jpg", "--strength", "2"], "2 is too large; at most 1"),
        (["enhance", "a.jpg", "--quality", "7.5"], "7.5 is not a whole number"),
        (["enhance", "a.jpg", "--format", "gif"], "'gif' is not one of 'jpeg', 'png'"),
        (["evaluate", "--inputs", ".", "--precision", "fast"], "'fast' is not one of 'auto'"),
        (["train", "--target", ".", "--steps", "many"], "many is not a whole number"),
        (["models", "export", "uegan", "--format", "xml"], "xml"),
    ],
)
def test_wrong_values_are_spoken_of_in_plain_words(cli, args, message):
    ended = cli(*args)

    assert ended.code == 2
    assert message in ended.err
    for foreign in ("Input should", "Value error", "unable to parse"):
        assert foreign not in ended.err


@pytest.mark.parametrize(
    "args",
    [
        ["--help"],
        ["--version"],
        ["models", "list"],
        ["config", "show"],
        ["enhance", "-h"],
        ["report", "-h"],
        ["doctor", "-h"],
    ],
)
def test_light_commands_load_no_heavy_library(args, tmp_path):
    code = (
        "import sys; from photoenhance.cli.app import main\n"
        f"sys.argv = ['photoenhance', *{args!r}]\n"
        "code = main()\n"
        f"print('\\nLOADED', [name for name in {HEAVY!r} if name in sys.modules], code)"
    )

    ended = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )

    assert ended.stdout.splitlines()[-1] == "LOADED [] 0"


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_shells_can_complete_the_command(cli, monkeypatch, shell):
    monkeypatch.setenv("_PHOTOENHANCE_COMPLETE", f"source_{shell}")

    ended = cli()

    assert ended.code == 0
    assert "photoenhance" in ended.out


def test_errors_name_the_command_as_it_is_called(cli):
    assert cli("enhance", "--colour").err.startswith("Usage: photoenhance enhance ")


@pytest.mark.parametrize("package", ["typer", "rich", "torch"])
def test_ctrl_c_while_a_library_is_imported_exits_130_without_a_traceback(
    package, tmp_path, model, draw
):
    draw("a.jpg")
    slow = tmp_path / "slow" / package
    slow.mkdir(parents=True)
    (slow / "__init__.py").write_text("import time\nprint('here', flush=True)\ntime.sleep(60)\n")
    paths = f"{slow.parent}{os.pathsep}{os.environ['PYTHONPATH']}"
    process = subprocess.Popen(
        [sys.executable, "-m", "photoenhance", "enhance", "a.jpg", "--model", str(model)],
        env=os.environ | {"PYTHONPATH": paths}, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout.readline() == b"here\n"

    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)

    assert process.returncode == 130
    assert b"Traceback" not in err
