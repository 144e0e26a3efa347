"""Settings from flags, the environment and files."""

import errno
import os
import pwd
from pathlib import Path

import pytest

from photoenhance.cli import settings


def shown(ended, section="enhance"):
    """What `config show` says of one command, by the options' names."""
    _, _, rest = ended.out.partition(f"[{section}]\n")
    lines = (line.partition(" = ") for line in rest.partition("\n\n")[0].splitlines())
    return {name: value for name, _, value in lines}


@pytest.fixture
def users(home):
    """The user's own file of settings."""
    file = home / "config" / "config.toml"
    file.parent.mkdir(parents=True)
    return file


def test_a_default_says_so(cli):
    assert shown(cli("config", "show"))["strength"] == "1.0  # default"


def test_the_users_file_wins_over_the_default(cli, users):
    users.write_text("strength = 0.5\n")

    assert shown(cli("config", "show"))["strength"] == f"0.5  # set in {users}"


def test_the_projects_file_wins_over_the_users(cli, users):
    users.write_text("strength = 0.5\n")
    Path("photoenhance.toml").write_text("strength = 0.25\n")

    assert shown(cli("config", "show"))["strength"] == "0.25  # set in photoenhance.toml"


def test_the_environment_wins_over_files(cli, monkeypatch):
    Path("photoenhance.toml").write_text("strength = 0.25\n")
    monkeypatch.setenv("PHOTOENHANCE_STRENGTH", "0.75")

    value = shown(cli("config", "show"))["strength"]

    assert value == '"0.75"  # set by PHOTOENHANCE_STRENGTH'


def test_a_section_wins_over_what_holds_for_all_commands(cli, monkeypatch):
    Path("photoenhance.toml").write_text('device = "cpu"\n[evaluate]\ndevice = "mps"\n')

    ended = cli("config", "show")

    assert shown(ended, "enhance")["device"] == '"cpu"  # set in photoenhance.toml'
    assert shown(ended, "evaluate")["device"] == '"mps"  # set in photoenhance.toml'
    monkeypatch.setenv("PHOTOENHANCE_EVALUATE_DEVICE", "cuda")
    monkeypatch.setenv("PHOTOENHANCE_DEVICE", "auto")
    ended = cli("config", "show")
    assert shown(ended, "train")["device"] == '"auto"  # set by PHOTOENHANCE_DEVICE'
    assert shown(ended, "evaluate")["device"] == '"cuda"  # set by PHOTOENHANCE_EVALUATE_DEVICE'


def test_an_option_that_means_something_else_in_a_command_is_set_there(cli, users):
    users.write_text('model = "dpe"\noutput = "out"\n[train]\nmodel = "enlightengan"\n')

    ended = cli("config", "show")

    assert shown(ended, "enhance")["output"] == f'"out"  # set in {users}'
    assert shown(ended, "train")["model"] == f'"enlightengan"  # set in {users}'
    assert shown(ended, "train")["output"] == "unset  # default"
    assert shown(ended, "evaluate")["model"] == "unset  # default"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("strenght = 1", "unknown setting 'strenght'\nHint: Write 'strength'."),
        ("xyz = 1", "unknown setting 'xyz'\nHint: Choose one of: output, model,"),
        ("[trian]\nsteps = 1", "unknown setting 'trian'\nHint: Write 'train'."),
        ("[enhance]\nsteps = 1", "unknown setting 'enhance.steps'\nHint: "),
        ("[enhance.model]\nname = 1", "enhance.model: expected a single value: a text, a number"),
        ("strength 1", "is not valid TOML: "),
        ('exclude = "a*"', "exclude: expected a list of texts"),
        ("strength = true", "strength: expected a number\nHint: "),
        ("[enhance]\nquality = false", "enhance.quality: expected a number\nHint: "),
        ("tile = true", "tile: expected a text or a number\nHint: "),
        ("enhance = 1", "enhance: is a section\nHint: Write [enhance] above its settings."),
        ('model = ["a", "b"]', "model: expected a single value"),
        ("in_place = true", "in_place: may not be set by a file in the current folder\nHint: "),
    ],
)
def test_a_wrong_file_exits_2_and_names_the_key(cli, draw, content, message):
    draw("a.jpg")
    Path("photoenhance.toml").write_text(content)

    ended = cli("enhance", "a.jpg")

    assert ended.code == 2
    assert ended.err.startswith(f"Error: photoenhance.toml: {message}")
    assert not Path("a-enhanced.jpg").exists()


@pytest.mark.parametrize("content", ["strength 1", "strenght = 1", "in_place = true"])
@pytest.mark.parametrize(
    "args",
    [["--version"], ["--help"], ["enhance", "--help"], ["train", "check", "-h"], ["models", "list"],
     ["config", "show"]],
)  # fmt: skip
def test_a_wrong_file_breaks_only_what_reads_it(cli, content, args):
    Path("photoenhance.toml").write_text(content)

    ended = cli(*args)

    assert (ended.code, ended.err) == (0, "")


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["evaluate", "--inputs", "."], "photoenhance.toml: unknown setting 'evaluate.metric'"),
        (["train", "--target", "."], "photoenhance.toml: unknown setting 'train.step'"),
        (["train", "check", "--target", "."], "photoenhance.toml: unknown setting 'train.step'"),
        (["report", "."], "photoenhance.toml: unknown setting 'report.tittle'"),
    ],
)
def test_a_wrong_section_breaks_the_command_that_reads_it(cli, draw, args, message):
    draw("a.jpg")
    Path("photoenhance.toml").write_text(
        '[evaluate]\nmetric = "psnr"\n[train]\nstep = 5\n[report]\ntittle = "Photos"\n'
    )

    refused, unconcerned = cli(*args), cli("enhance", "a.jpg", "--dry-run")

    assert refused.code == 2
    assert refused.err.startswith(f"Error: {message}\nHint: Write ")
    assert unconcerned.code == 0


@pytest.mark.parametrize("args", [["models", "list"], ["doctor", "--no-self-test"]])
def test_a_wrong_value_in_a_file_stops_no_command_that_helps(cli, model, args):
    Path("photoenhance.toml").write_text('json = "maybe"\n')

    ended = cli(*args)

    note = "note: json: maybe is neither true nor false (set in photoenhance.toml); passed over\n"
    assert ended.code == (1 if args[0] == "doctor" else 0)
    assert ended.err.count(note) == 1
    assert "uegan" in ended.out


def test_a_wrong_value_in_a_file_is_a_fault(cli, model):
    Path("photoenhance.toml").write_text("strength = 2\n[train]\nsteps = 'many'\n")

    shown = cli("config", "show").out
    found = cli("doctor", "--no-self-test", "--device", "cpu")

    assert "# fault: photoenhance.toml: strength: 2 is too large; at most 1.0. Correct" in shown
    assert "# fault: photoenhance.toml: steps: many is not a whole number. Correct" in shown
    assert found.code == 1
    assert "strength: 2 is too large; at most 1.0\n" in found.out


def test_config_show_names_what_is_wrong_with_a_file(cli):
    Path("photoenhance.toml").write_text("strenght = 1\nquality = 5\n")

    ended = cli("config", "show")

    assert ended.code == 0
    assert "# fault: photoenhance.toml: unknown setting 'strenght'. Write 'strength'.\n" in (
        ended.out
    )
    assert shown(ended)["quality"] == "5  # set in photoenhance.toml"


def test_the_doctor_names_what_is_wrong_with_a_file(cli, model):
    Path("photoenhance.toml").write_text("strenght = 1\n")

    ended = cli("doctor", "--no-self-test", "--device", "cpu")

    assert ended.code == 1
    assert "FAILED   photoenhance.toml" in ended.out
    assert "unknown setting 'strenght'" in ended.out


@pytest.mark.parametrize(
    "line",
    ["in_place = true", 'output = "out"', 'on_exists = "overwrite"', 'log = "a.jpg"',
     'report = "x.html"', 'contact_sheet = "x.png"', "[enhance]\nin_place = true",
     '[train]\noutput = "m"', '[evaluate]\ncsv = "x"', 'files_from = "list.txt"', "null = true",
     "[enhance]\nretry_failed = true"],
)  # fmt: skip
def test_a_file_that_came_with_photos_cannot_decide_what_is_written_where(cli, draw, users, line):
    draw("a.jpg")
    before = Path("a.jpg").read_bytes()
    Path("photoenhance.toml").write_text(line)
    command = "train" if "train" in line else "evaluate" if "evaluate" in line else "enhance"
    args = {"train": ["--target", "."], "evaluate": ["--inputs", "."], "enhance": ["a.jpg"]}

    ended = cli(command, *args[command])

    assert ended.code == 2
    assert "may not be set by a file in the current folder" in ended.err
    assert Path("a.jpg").read_bytes() == before
    assert sorted(path.name for path in Path().iterdir()) == ["a.jpg", "photoenhance.toml"]


def test_a_list_that_came_with_photos_replaces_none_of_them(cli, draw, users):
    draw("a.jpg", "b.jpg")
    before = Path("b.jpg").read_bytes()
    Path("list.txt").write_text("b.jpg\n")
    Path("photoenhance.toml").write_text('files_from = "list.txt"\n')

    ended = cli("enhance", "--in-place", "a.jpg")

    assert ended.code == 2
    assert "files_from: may not be set by a file in the current folder" in ended.err
    assert Path("b.jpg").read_bytes() == before


def test_the_users_own_file_can_decide_it(cli, draw, users):
    draw("a.jpg")
    users.write_text('output = "out"\n')

    assert cli("enhance", "a.jpg").code == 0
    assert Path("out/a.jpg").is_file()


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
def test_a_wrong_value_in_a_file_is_said_to_be_there(cli, monkeypatch, draw, users, name, value):
    draw("a.jpg")
    if name == "model":
        monkeypatch.delenv("PHOTOENHANCE_MODEL")
    users.write_text(f'{name} = "{value}"\n')

    ended = cli("enhance", "a.jpg")

    assert ended.code in (2, 3, 4)
    assert f"(set in {users})" in ended.err


@pytest.mark.parametrize(("name", "value"), [("format", '"png"'), ("in_place", "true")])
def test_a_setting_that_contradicts_a_flag_is_said_to_be_in_the_file(cli, draw, users, name, value):
    draw("a.jpg")
    users.write_text(f"{name} = {value}\n")

    ended = cli("enhance", "a.jpg", "-o", "b.jpg")

    assert ended.code == 2
    assert ended.err.startswith("Error: b.jpg: ")
    assert f"(set in {users})" in ended.err


def test_two_settings_that_contradict_each_other_are_told_apart(cli, draw, users, monkeypatch):
    draw("a.jpg")
    users.write_text('format = "png"\n')
    monkeypatch.setenv("PHOTOENHANCE_OUTPUT", "b.jpg")

    ended = cli("enhance", "a.jpg")

    assert ended.err.startswith(
        "Error: b.jpg: contradicts --format png (--output set by PHOTOENHANCE_OUTPUT) "
        f"(--format set in {users})\n"
    )


@pytest.mark.parametrize(
    ("variable", "value", "path"),
    [("OUTPUT", "out", "out"), ("FORMAT", "png", "my png"), ("FILES_FROM", "list.txt", "b.jpg")],
)
def test_what_was_typed_is_not_blamed_on_a_setting_of_the_same_text(
    cli, draw, monkeypatch, variable, value, path
):
    draw("a.jpg")
    Path("list.txt").write_text("a.jpg\n")
    monkeypatch.setenv(f"PHOTOENHANCE_{variable}", value)

    ended = cli("enhance", path)

    assert ended.err.startswith(f"Error: {path}: no such file or folder\n")


def test_a_wrong_flag_is_not_blamed_on_the_environment(cli, monkeypatch, draw):
    draw("a.jpg")
    monkeypatch.setenv("PHOTOENHANCE_STRENGTH", "2")
    monkeypatch.setenv("PHOTOENHANCE_TILE", "wide")

    ended = cli("enhance", "a.jpg", "--strength", "1", "--tile", "wide")

    assert ended.code == 2
    assert "set by" not in ended.err


@pytest.mark.parametrize(
    "args",
    [["evaluate", "--inputs", ".", "--model", "uegan"], ["train", "--target", "."],
     ["train", "check", "--target", "."]],
)  # fmt: skip
def test_an_absent_device_asked_for_by_a_variable_exits_4_in_every_command(
    cli, draw, monkeypatch, args
):
    draw("a.jpg")
    monkeypatch.setenv("PHOTOENHANCE_DEVICE", "cuda:99")

    ended = cli(*args)

    assert ended.code == 4
    assert "device cuda:99: not available on this machine (set by PHOTOENHANCE_DEVICE)" in ended.err


@pytest.mark.parametrize(
    ("args", "variable", "value", "message"),
    [
        (["train", "--target", "."], "STEPS", "0", "steps: 0 is too small; at least 1"),
        (["train", "--target", "."], "TRAIN_MODEL", "unet", "unet"),
        (["evaluate", "--inputs", "."], "METRICS", "beauty", "metric beauty: there is none"),
        (["report", "."], "SIDE", "5", "5 is too small; at least 64"),
        (["models", "list"], "JSON", "maybe", "maybe is neither true nor false"),
    ],
)
def test_variables_hold_for_every_command(  # noqa: PLR0913, PLR0917 (a case has four parts)
    cli, draw, monkeypatch, args, variable, value, message
):
    draw("a.jpg", "a-enhanced.jpg")
    monkeypatch.setenv("COLUMNS", "300")
    monkeypatch.setenv(f"PHOTOENHANCE_{variable}", value)

    ended = cli(*args)

    assert ended.code == 2
    assert message in ended.err
    assert f"(set by PHOTOENHANCE_{variable})" in ended.err


def test_a_variable_that_sets_nothing_is_said_once(cli, draw, monkeypatch):
    draw("a.jpg")
    monkeypatch.setenv("PHOTOENHANCE_STRENGHT", "0.5")

    ended, helped = cli("enhance", "a.jpg", "--dry-run"), cli("enhance", "--help")

    note = "note: the variable PHOTOENHANCE_STRENGHT sets nothing; did you mean "
    assert ended.err.count(f"{note}PHOTOENHANCE_STRENGTH?\n") == 1
    assert helped.err == ""


def test_variables_that_are_no_options_are_known(cli, draw, monkeypatch):
    for name in settings.OTHER_VARIABLES[1:]:
        monkeypatch.setenv(f"PHOTOENHANCE_{name}", "1")
    draw("a.jpg")

    assert "note" not in cli("enhance", "a.jpg", "--dry-run").err


def test_enhance_uses_the_settings(cli, draw, users):
    draw("a.jpg")
    users.write_text('on_exists = "error"\n')
    Path("a-enhanced.jpg").touch()

    ended = cli("enhance", "a.jpg", "--dry-run")

    assert ended.code == 1
    assert "a-enhanced.jpg: exists already" in ended.err


def test_lists_can_be_set_in_a_file(cli, draw):
    draw("photos/a.jpg", "photos/b.jpg", "photos/c.jpg")
    Path("photoenhance.toml").write_text('exclude = ["a*", "b*"]\n')

    ended = cli("enhance", "photos", "--dry-run")

    assert "[1/1] photos/c.jpg -> " in ended.err


def test_a_number_can_stand_for_a_text(cli, draw):
    draw("a.jpg")
    Path("photoenhance.toml").write_text("tile = 512\n")

    assert cli("enhance", "a.jpg").code == 0


def test_a_file_may_begin_with_a_byte_order_mark(cli):
    Path("photoenhance.toml").write_bytes(b"\xef\xbb\xbfstrength = 0.5\n")

    assert shown(cli("config", "show"))["strength"] == "0.5  # set in photoenhance.toml"


def test_a_flag_wins_over_everything(cli, draw, monkeypatch):
    draw("photos/sub/a.jpg")
    Path("photoenhance.toml").write_text("recursive = true\n")
    monkeypatch.setenv("PHOTOENHANCE_RECURSIVE", "1")

    ended = cli("enhance", "photos", "--dry-run", "--no-recursive")

    assert ended.code == 2
    assert "no photos were found" in ended.err


@pytest.mark.parametrize(
    "trouble",
    [PermissionError(errno.EACCES, "Permission denied"), OSError(errno.ENAMETOOLONG, "Too long"),
     OSError(errno.ENOTCONN, "Not connected"), OSError(errno.ESTALE, "Stale file handle")],
)  # fmt: skip
def test_folders_that_cannot_be_looked_at_are_passed_over(cli, draw, monkeypatch, trouble):
    draw("a.jpg")
    real = Path.exists

    def exists(path, **options):
        if path.name == "config.toml":
            raise trouble
        return real(path, **options)

    monkeypatch.setattr(Path, "exists", exists)

    assert cli("enhance", "a.jpg", "--dry-run").code == 0
    assert f"cannot be looked at ({trouble.strerror})" in cli("config", "show").out


def test_a_home_of_too_long_a_name_stops_nothing_that_needs_none(cli, draw, monkeypatch):
    draw("a.jpg")
    monkeypatch.setenv("PHOTOENHANCE_HOME", "/tmp/" + "x" * 300)

    assert cli("models", "list").code == 0
    assert cli("enhance", "a.jpg").code == 0


def test_a_home_of_a_user_that_is_not_there_is_named(cli, draw, monkeypatch):
    draw("a.jpg")
    monkeypatch.setenv("PHOTOENHANCE_HOME", "~nosuch/x")

    listed, enhanced = cli("models", "list"), cli("enhance", "a.jpg")
    needing = cli("models", "download", "enlightengan-official")

    assert (listed.code, listed.err) == (0, "")
    assert enhanced.code == 0
    assert "note: PHOTOENHANCE_HOME: ~nosuch/x: there is no such home folder" in enhanced.err
    assert needing.code == 2
    assert "Hint: Set PHOTOENHANCE_HOME to a folder that can be written to.\n" in needing.err


@pytest.fixture
def homeless(monkeypatch):
    """A user whose number has no name, and no HOME, as in some containers."""

    def unknown(number):
        raise KeyError(f"getpwuid(): uid not found: {number}")

    monkeypatch.setattr(pwd, "getpwuid", unknown)
    for name in [name for name in os.environ if name.startswith("XDG_")]:
        monkeypatch.delenv(name)
    monkeypatch.delenv("PHOTOENHANCE_HOME")
    monkeypatch.delenv("HOME", raising=False)


@pytest.mark.usefixtures("homeless")
@pytest.mark.parametrize(
    "args",
    [["--version"], ["--help"], ["models", "list"], ["models", "show", "enlightengan-official"],
     ["config", "show"]],
)  # fmt: skip
def test_no_home_at_all_stops_nothing_that_needs_none(cli, args):
    ended = cli(*args)

    assert (ended.code, ended.err) == (0, "")


@pytest.mark.usefixtures("homeless")
def test_photos_are_done_without_a_home(cli, draw):
    draw("a.jpg")

    ended = cli("enhance", "a.jpg")

    assert ended.code == 0
    assert ended.err.count("note: ") == 1
    assert "note: there is no home folder; this run will not be resumable" in ended.err
    assert Path("a-enhanced.jpg").is_file()


@pytest.mark.usefixtures("homeless")
def test_photos_are_judged_without_a_home(cli, draw):
    draw("in/a.jpg")

    assert cli("evaluate", "--inputs", "in").code == 0


@pytest.mark.usefixtures("homeless")
def test_what_needs_a_home_says_what_to_set(cli):
    ended = cli("models", "download", "enlightengan-official")

    assert ended.code == 2
    assert ended.err == (
        "Error: there is no home folder\n"
        "Hint: Set HOME, or PHOTOENHANCE_HOME to a folder that can be written to.\n"
    )


@pytest.mark.usefixtures("homeless")
def test_the_doctor_names_the_missing_home(cli):
    ended = cli("doctor", "--no-self-test", "--device", "cpu")

    assert ended.code == 1
    assert ended.out.count("FAILED") == 4
    assert "there is no home folder" in ended.out
