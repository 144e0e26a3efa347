"""Settings from flags, the environment and files."""

from pathlib import Path

import pytest


def shown(ended):
    lines = (line.partition(" = ") for line in ended.out.splitlines())
    return {name: value for name, _, value in lines}


def test_a_default_says_so(cli):
    assert shown(cli("config", "show"))["strength"] == "1.0  # default"


def test_the_users_file_wins_over_the_default(cli, home):
    file = home / "config" / "config.toml"
    file.parent.mkdir(parents=True)
    file.write_text("strength = 0.5\n")

    assert shown(cli("config", "show"))["strength"] == f"0.5  # {file}"


def test_the_projects_file_wins_over_the_users(cli, home):
    file = home / "config" / "config.toml"
    file.parent.mkdir(parents=True)
    file.write_text("strength = 0.5\n")
    Path("photoenhance.toml").write_text("strength = 0.25\n")

    assert shown(cli("config", "show"))["strength"] == "0.25  # photoenhance.toml"


def test_the_environment_wins_over_files(cli, monkeypatch):
    Path("photoenhance.toml").write_text("strength = 0.25\n")
    monkeypatch.setenv("PHOTOENHANCE_STRENGTH", "0.75")

    value = shown(cli("config", "show"))["strength"]

    assert value == '"0.75"  # environment, PHOTOENHANCE_STRENGTH'


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("strenght = 1", "unknown setting 'strenght'\nHint: Write 'strength'."),
        ("xyz = 1", "unknown setting 'xyz'\nHint: Choose one of: output, model,"),
        ("strength = {a = 1}", "strength: expected a text, a number, true, false or"),
        ("strength 1", "is no TOML: "),
        ('exclude = "a*"', "exclude: expected a list of texts"),
        ('output = ["a", "b"]', "output: expected a single value"),
    ],
)
def test_a_wrong_file_exits_2_and_names_the_key(cli, content, message):
    Path("photoenhance.toml").write_text(content)

    ended = cli("config", "show")

    assert ended.code == 2
    assert ended.err.startswith(f"Error: photoenhance.toml: {message}")


WRONG = [
    ("strength", "2"), ("quality", "high"), ("tile", "wide"), ("device", "abacus"),
    ("model", "nobody"), ("files_from", "nowhere.txt"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "value"), WRONG)
def test_a_wrong_value_in_the_environment_is_said_to_be_there(cli, monkeypatch, draw, name, value):
    draw("a.jpg")
    monkeypatch.setenv(f"PHOTOENHANCE_{name.upper()}", value)

    ended = cli("enhance", "a.jpg")

    assert ended.code in (2, 3, 4)
    assert f"(set by PHOTOENHANCE_{name.upper()})" in ended.err


@pytest.mark.parametrize(("name", "value"), WRONG)
def test_a_wrong_value_in_a_file_is_said_to_be_there(cli, monkeypatch, draw, name, value):
    draw("a.jpg")
    if name == "model":
        monkeypatch.delenv("PHOTOENHANCE_MODEL")
    Path("photoenhance.toml").write_text(f'{name} = "{value}"\n')

    ended = cli("enhance", "a.jpg")

    assert ended.code in (2, 3, 4)
    assert "(set in photoenhance.toml)" in ended.err


@pytest.mark.parametrize(("name", "value"), [("format", '"png"'), ("in_place", "true")])
def test_a_setting_that_contradicts_a_flag_is_said_to_be_in_the_file(cli, draw, name, value):
    draw("a.jpg")
    Path("photoenhance.toml").write_text(f"{name} = {value}\n")

    ended = cli("enhance", "a.jpg", "-o", "b.jpg")

    assert ended.code == 2
    assert ended.err.startswith("Error: b.jpg: ")
    assert "(set in photoenhance.toml)" in ended.err


def test_a_wrong_flag_is_not_blamed_on_the_environment(cli, monkeypatch, draw):
    draw("a.jpg")
    monkeypatch.setenv("PHOTOENHANCE_STRENGTH", "2")
    monkeypatch.setenv("PHOTOENHANCE_TILE", "wide")

    ended = cli("enhance", "a.jpg", "--strength", "1", "--tile", "wide")

    assert ended.code == 2
    assert "set by" not in ended.err


def test_enhance_uses_the_settings(cli, draw):
    draw("a.jpg")
    Path("photoenhance.toml").write_text('on_exists = "error"\n')
    Path("a-enhanced.jpg").touch()

    ended = cli("enhance", "a.jpg", "--dry-run")

    assert ended.code == 1
    assert "a-enhanced.jpg: exists already" in ended.err


def test_lists_can_be_set_in_a_file(cli, draw):
    draw("photos/a.jpg", "photos/b.jpg", "photos/c.jpg")
    Path("photoenhance.toml").write_text('exclude = ["a*", "b*"]\n')

    ended = cli("enhance", "photos", "--dry-run")

    assert "[1/1] photos/c.jpg -> " in ended.err


def test_a_flag_wins_over_everything(cli, draw, monkeypatch):
    draw("photos/sub/a.jpg")
    Path("photoenhance.toml").write_text("recursive = true\n")
    monkeypatch.setenv("PHOTOENHANCE_RECURSIVE", "1")

    ended = cli("enhance", "photos", "--dry-run", "--no-recursive")

    assert ended.code == 2
    assert "no photos were found" in ended.err
