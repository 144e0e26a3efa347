"""`photoenhance models`."""

import json
from pathlib import Path

import pytest
import torch

from photoenhance.networks import ARCHITECTURES
from photoenhance.zoo import store
from photoenhance.zoo.catalog import CATALOG, ModelCard, Published


def records(ended):
    lines = [json.loads(line) for line in ended.out.splitlines()]
    assert all(line["schema"] == 1 for line in lines)
    return lines


@pytest.fixture
def original(tmp_path):
    """A file as the authors of UEGAN publish theirs, small."""
    torch.manual_seed(0)
    architecture = ARCHITECTURES["uegan"]
    state = architecture.generator(architecture.config(width=8)).state_dict()
    path = tmp_path / "UEGAN-tiny.pth"
    torch.save({"G_net": state, "epoch": 1.0}, path)
    return path


@pytest.fixture
def published(monkeypatch, server):
    """A published model, at an address where nothing is unless a test puts it there."""
    card = ModelCard(
        name="tiny",
        summary="A tiny model.",
        architecture="uegan",
        file="tiny.safetensors",
        licence="none",
        source="a test",
        training_data="nothing",
        citation="nobody",
        published=Published("UEGAN-tiny.pth", (server.url("/tiny.pth"),), "https://example.org/"),
    )
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setitem(CATALOG, "tiny", card)
    return card


def test_list_names_each_model_its_state_and_the_default(cli):
    ended = cli("models", "list")

    assert ended.code == 0
    assert ended.out.startswith("snapshots ")
    assert ended.out.count("(default)") == 1
    assert ended.out.count("not downloaded") == sum(
        card.published is not None for card in CATALOG.values()
    )
    assert ended.err == ""


def test_list_gives_json_lines(cli):
    listed = records(cli("models", "list", "--json"))

    assert [each["name"] for each in listed] == list(CATALOG)
    assert listed[0]["state"] == "bundled"
    assert listed[0]["is_default"] is True


def test_show_tells_what_a_user_must_know_of_the_bundled_model(cli, model, monkeypatch):
    monkeypatch.setattr(store, "path", lambda card: model)

    ended = cli("models", "show", "uegan")

    assert ended.code == 0
    for fact in ("licence:", "source:", "training data:", "parameters:", "size:", "cite:"):
        assert fact in ended.out
    assert store.sha256(model) in ended.out


def test_show_tells_of_a_model_that_is_not_here_where_to_get_it(cli):
    ended = cli("models", "show", "enlightengan-official")

    assert ended.code == 0
    assert (
        "https://drive.usercontent.google.com/download?id=1AkV-n2MdyfuZTFvcon8Z4leyVb0i7x63&"
        in (ended.out)
    )
    assert "nobody has published it" in ended.out


def test_show_tells_what_a_file_says_of_itself(cli, model):
    ended = cli("models", "show", model)

    assert ended.code == 0
    assert "uegan" in ended.out
    assert "width 8" in ended.out
    assert "a test" in ended.out


def test_show_gives_json(cli, model):
    (shown,) = records(cli("models", "show", model, "--json"))

    assert shown["config"] == {"width": 8}
    assert shown["sha256"] == store.sha256(model)


@pytest.mark.parametrize("metric", ["nima", "lpips", "niqe"])
def test_show_names_the_file_that_a_metric_lacks(cli, metric):
    ended = cli("models", "show", metric)

    assert ended.code == 0
    assert "missing" in ended.out
    assert f"--{metric}-" in ended.out


def test_show_of_an_unknown_model_exits_3_and_lists_what_exists(cli):
    ended = cli("models", "show", "ugan")

    assert ended.code == 3
    assert ended.out == ""
    error, hint = ended.err.splitlines()
    assert error == "Error: ugan: no model, file or training run of this name"
    assert hint == (
        f"Hint: Did you mean uegan? Choose one of: {', '.join(CATALOG)}; or name a .safetensors "
        "file or a run."
    )


def test_an_import_prints_its_path_and_can_be_used_by_name(cli, original, draw):
    draw("a.png")

    ended = cli("models", "import", original, "--name", "mine")

    assert ended.code == 0
    assert Path(ended.out.strip()) == store.own("mine")
    assert cli("enhance", "a.png", "--model", "mine").code == 0
    assert "imported" in cli("models", "list").out
    assert store.sha256(original) in cli("models", "show", "mine").out


def test_an_import_gives_json(cli, original):
    (imported,) = records(cli("models", "import", original, "--json"))

    assert imported["name"] == "UEGAN-tiny"
    assert imported["sha256"] == store.sha256(Path(imported["file"]))


def test_an_import_of_something_else_exits_3_with_the_reason(cli):
    Path("x.pth").write_bytes(b"<!DOCTYPE html>")

    ended = cli("models", "import", "x.pth")

    assert ended.code == 3
    assert ended.err.startswith("Error: x.pth: a web page, not weights")
    assert "Hint: " in ended.err


def test_enhance_with_a_model_that_cannot_be_downloaded_exits_3_and_says_what_to_do(
    cli, draw, published
):
    draw("a.png")

    ended = cli("enhance", "a.png", "--model", "tiny")

    assert ended.code == 3
    assert "Error: tiny: could not be downloaded: 127.0.0.1 answered 404" in ended.err
    assert "photoenhance models import FILE --name tiny" in ended.err


def test_enhance_offline_exits_3_with_the_command_to_run(cli, draw, published, monkeypatch):
    draw("a.png")
    monkeypatch.setenv("PHOTOENHANCE_OFFLINE", "1")

    ended = cli("enhance", "a.png", "--model", "tiny")

    assert ended.code == 3
    assert "photoenhance models download tiny" in ended.err


def test_a_published_model_that_was_imported_by_hand_is_used_offline(
    cli, draw, published, original, monkeypatch
):
    draw("a.png")
    monkeypatch.setenv("PHOTOENHANCE_OFFLINE", "1")

    imported = cli("models", "import", original, "--name", "tiny")
    downloaded = cli("models", "download", "tiny")
    enhanced = cli("enhance", "a.png", "--model", "tiny")

    assert (imported.code, downloaded.code, enhanced.code) == (0, 0, 0)
    assert imported.out == downloaded.out == cli("models", "path", "tiny").out
    assert cli("models", "verify").code == 0


def test_download_prints_the_path_last_and_progress_on_standard_error(
    cli, published, original, server
):
    server.serve("/tiny.pth", original.read_bytes())

    ended = cli("models", "download", "tiny")

    assert ended.code == 0
    assert ended.out == f"{store.downloaded(published)}\n"
    first, last = ended.err.splitlines()
    assert first == "Downloading tiny"
    assert last.startswith("Downloaded tiny: 1.1 MB")
    assert "not downloaded" not in cli("models", "show", "tiny").out


def test_a_quiet_download_gives_json_and_nothing_else(cli, published, original, server):
    server.serve("/tiny.pth", original.read_bytes())

    ended = cli("models", "download", "tiny", "--json", "--quiet")

    (downloaded,) = records(ended)
    assert downloaded["file"] == str(store.downloaded(published))
    assert ended.err == ""


def test_enhance_downloads_the_model_that_it_needs(cli, published, original, server, draw):
    server.serve("/tiny.pth", original.read_bytes())
    draw("a.png")
    cli("models", "import", original, "--name", "mine")

    ended = cli("enhance", "a.png", "-o", "downloaded.png", "--model", "tiny", "--no-mark")

    assert ended.code == 0
    assert server.asked == ["/tiny.pth"]
    cli("enhance", "a.png", "-o", "imported.png", "--model", "mine", "--no-mark")
    assert Path("downloaded.png").read_bytes() == Path("imported.png").read_bytes()


def test_download_of_an_unknown_name_exits_3(cli):
    ended = cli("models", "download", "ugan")

    assert ended.code == 3
    assert "ugan: no model of this name" in ended.err
    assert "Hint: Did you mean uegan? Choose one of: " in ended.err


def test_path_of_a_model_that_is_not_here_exits_3_with_the_command(cli):
    ended = cli("models", "path", "uegan-fivek")

    assert ended.code == 3
    assert ended.out == ""
    assert "Hint: Get it with `photoenhance models download uegan-fivek`." in ended.err


def test_verify_names_what_is_damaged_and_exits_3(cli, original):
    cli("models", "import", original, "--name", "mine")
    cli("models", "import", original, "--name", "other")
    file = store.own("mine")
    file.write_bytes(file.read_bytes()[:-1] + b"?")

    ended = cli("models", "verify", "mine", "other")

    assert ended.code == 3
    assert f"mine: {file}: was changed since it was written" in ended.out
    assert "other: whole" in ended.out
    assert ended.err.startswith("Error: mine: damaged")


def test_verify_of_a_model_that_is_not_here_says_so_once(cli):
    ended = cli("models", "verify", "ueagn")

    assert ended.code == 3
    assert ended.out == "ueagn: no model, file or training run of this name\n"
    error, hint = ended.err.splitlines()
    assert error == "Error: ueagn: not here"
    assert hint.startswith("Hint: Did you mean uegan? Choose one of: ")


def test_verify_names_the_file_of_what_is_no_checkpoint_once(cli):
    Path("x.safetensors").write_text("nonsense")

    ended = cli("models", "verify", "x.safetensors")

    assert ended.code == 3
    assert ended.out == "x.safetensors: not a photoenhance checkpoint\n"
    assert ended.err.startswith("Error: x.safetensors: damaged")


def test_remove_of_a_mistyped_name_asks_what_is_meant(cli, original):
    cli("models", "import", original, "--name", "evening")

    ended = cli("models", "remove", "evenign")

    assert ended.code == 3
    assert "Hint: Did you mean evening? See `photoenhance models list`." in ended.err


def test_verify_gives_json(cli, original):
    cli("models", "import", original, "--name", "mine")

    (verified,) = records(cli("models", "verify", "mine", "--json"))

    assert verified["is_whole"] is True
    assert verified["problems"] == []


def test_remove_removes_what_was_imported(cli, original):
    cli("models", "import", original, "--name", "mine")

    ended = cli("models", "remove", "mine", "--json")

    (removed,) = records(ended)
    assert removed["file"] == str(store.own("mine"))
    assert not store.own("mine").exists()
    assert cli("models", "remove", "mine").code == 3


def test_remove_of_the_bundled_model_exits_3(cli):
    assert "cannot be removed" in cli("models", "remove", "uegan").err


def test_export_writes_onnx_and_prints_its_path(cli, model):
    pytest.importorskip("onnxruntime")

    ended = cli("models", "export", model, "-o", "x.onnx")

    assert (ended.code, ended.out, ended.err) == (0, "x.onnx\n", "")
    assert Path("x.onnx").stat().st_size > 100_000


def test_dpe_is_exported_with_kernels_as_trained_only(cli, shared):
    pytest.importorskip("onnxruntime")
    cli("models", "import", shared / "golden/dpe/tiny/tf_ckpt", "--name", "mine")

    refused = cli("models", "export", "mine")
    exported = cli("models", "export", "mine", "--model-option", "context=native")

    assert refused.code == 3
    assert "--model-option" in refused.err
    assert (exported.code, exported.out) == (0, "mine.onnx\n")


def test_export_does_not_replace_a_file_unasked(cli, model):
    Path("tiny.onnx").touch()

    ended = cli("models", "export", model)

    assert ended.code == 2
    assert "Error: tiny.onnx: exists already" in ended.err
    assert Path("tiny.onnx").stat().st_size == 0
