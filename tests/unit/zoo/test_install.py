"""Models come here and go."""

import os
import subprocess
import sys
import zipfile
from dataclasses import replace

import pytest
import torch
from safetensors.torch import save_file

from photoenhance.errors import WeightsError
from photoenhance.zoo import checkpoint, install, inventory, pins, store
from photoenhance.zoo.catalog import CATALOG
from photoenhance.zoo.checkpoint import Header
from photoenhance.zoo.load import load_generator
from photoenhance.zoo.transfer import Patience

QUICK = Patience(attempts=1, silence=20)


@pytest.fixture
def original(tmp_path, state):
    """A file as somebody could have published it."""
    path = tmp_path / "published" / "tiny.pth"
    path.parent.mkdir()
    torch.save({"G_net": state, "epoch": 92.0}, path)
    return path


@pytest.fixture
def card(server, original, card_of, monkeypatch):
    """The card of a published model that can be downloaded."""
    card = card_of(server.serve("/tiny.pth", original.read_bytes()))
    monkeypatch.setitem(CATALOG, card.name, card)
    return card


def test_a_download_becomes_our_format_and_is_pinned(card, original, state):
    file = install.download(card)

    assert file == store.downloaded(card)
    header, tensors = checkpoint.read(file)
    assert all(torch.equal(tensors[name], tensor) for name, tensor in state.items())
    assert header.original_sha256 == store.sha256(original)
    pin = pins.read()["tiny.pth"]
    assert pin.sha256 == store.sha256(original)
    assert pin.size == original.stat().st_size
    assert not store.original(card.published).exists()


def test_what_is_here_is_not_downloaded_again(card, server):
    install.download(card)
    install.download(card)

    assert server.asked == ["/tiny.pth"]


def test_loading_a_published_model_downloads_it(card, server, state):
    model = load_generator("tiny")

    assert torch.equal(model.generator.enc1.main[1].weight, state["enc1.main.1.weight"])
    assert server.asked == ["/tiny.pth"]


def test_loading_it_offline_says_how_to_get_it(card, server, monkeypatch):
    monkeypatch.setenv("PHOTOENHANCE_OFFLINE", "1")

    with pytest.raises(WeightsError, match="PHOTOENHANCE_OFFLINE") as caught:
        load_generator("tiny")

    assert "photoenhance models download tiny" in caught.value.hint
    assert server.asked == []


def test_what_is_here_is_loaded_offline(card, monkeypatch):
    install.download(card)
    monkeypatch.setenv("PHOTOENHANCE_OFFLINE", "1")

    assert load_generator("tiny").header.architecture == "uegan"


def test_a_later_download_must_be_the_same_file(card, server, state, tmp_path):
    install.download(card)
    install.remove("tiny")
    other = tmp_path / "other.pth"
    torch.save({"G_net": state, "epoch": 93.0}, other)
    server.serve("/tiny.pth", other.read_bytes())

    with pytest.raises(WeightsError, match="the one that the first download had"):
        install.download(card, patience=QUICK)

    assert not store.downloaded(card).exists()
    install.remove("tiny", forget=True)
    install.download(card)
    assert pins.read()["tiny.pth"].sha256 == store.sha256(other)


def test_a_download_of_another_architecture_is_refused_and_not_pinned(card, server, shared):
    path = shared / "golden" / "enlightengan" / "legacy_module_prefix.pth"
    server.serve("/tiny.pth", path.read_bytes())

    with pytest.raises(WeightsError, match="is not tiny: a model of enlightengan"):
        install.download(card, patience=QUICK)

    assert pins.read() == {}
    assert not store.original(card.published).exists()


def test_parts_that_a_killed_download_has_left_are_removed(card, home):
    folder = store.original(card.published).parent
    folder.mkdir(parents=True)
    old, young = folder / ".photoenhance-1.part", folder / ".photoenhance-2.part"
    old.touch()
    young.touch()
    os.utime(old, (0, 0))

    install.download(card)

    assert [file.name for file in folder.iterdir()] == [young.name]


@pytest.mark.slow
def test_two_processes_download_once(card, server):
    code = (
        "import sys\n"
        "from photoenhance.zoo import install\n"
        "from photoenhance.zoo.catalog import ModelCard, Published\n"
        "published = Published('tiny.pth', (sys.argv[1],), '')\n"
        "card = ModelCard('tiny', '', 'uegan', 'tiny.safetensors', '', '', '', '',"
        " published=published)\n"
        "print(install.download(card))"
    )
    command = [sys.executable, "-c", code, card.published.addresses[0]]

    processes = [subprocess.Popen(command, stdout=subprocess.PIPE) for _ in range(2)]
    printed = [process.communicate(timeout=120)[0].decode().strip() for process in processes]

    assert printed == [str(store.downloaded(card))] * 2
    assert server.asked == ["/tiny.pth"]


@pytest.fixture
def archived(server, shared, tmp_path, card_of, monkeypatch):
    """Two cards whose models lie in one archive, and the archive's checksums."""
    path = tmp_path / "models.zip"
    folder = shared / "golden" / "dpe" / "tiny" / "tf_ckpt"
    with zipfile.ZipFile(path, "w") as archive:
        for file in folder.iterdir():
            archive.writestr(f"G3_604/{file.name}", file.read_bytes())
            archive.writestr(f"G3_999/{file.name}", file.read_bytes())
    url = server.serve("/models.zip", path.read_bytes())
    proof = store.git_blob((folder / "90.000-new.ckpt.data-00000-of-00001").read_bytes())
    cards = [
        card_of(
            url, name=f"dpe-{k}", file="models.zip", architecture="dpe", member=k, proofs=(proof,)
        )
        for k in ("604", "999")
    ]
    for card in cards:
        monkeypatch.setitem(CATALOG, card.name, card)
    return cards


def test_models_of_one_archive_share_its_download(archived, server):
    files = [install.download(card) for card in archived]

    assert len(set(files)) == 2
    assert server.asked == ["/models.zip"]
    assert [problem for card in archived for problem in inventory.problems(card.name)] == []


def test_a_model_without_the_published_checksums_is_refused(archived, monkeypatch):
    card = replace(archived[0], published=replace(archived[0].published, proofs=("ab" * 20,)))

    with pytest.raises(WeightsError, match="its tensors' checksums differ"):
        install.download(card, patience=QUICK)


def test_an_archives_model_can_be_imported_by_hand_from_its_own_files(archived, shared):
    path = shared / "golden" / "dpe" / "tiny" / "tf_ckpt" / "90.000-new.ckpt.index"

    install.import_file(path, "dpe-604")

    assert store.find("dpe-604") == store.downloaded(archived[0])
    assert inventory.problems("dpe-604") == []
    assert pins.read() == {}


def test_a_published_file_can_be_imported_by_hand_under_its_name(card, original, server):
    file = install.import_file(original, "tiny")

    assert file == store.downloaded(card)
    assert pins.read()["tiny.pth"].sha256 == store.sha256(original)
    assert install.download(card) == file
    assert server.asked == []


@pytest.mark.parametrize(
    ("name", "difference"),
    [
        ("uegan-fivek", "width 16, expected 32"),
        ("enlightengan-official", "a model of uegan, expected enlightengan"),
        ("dpe-hdr-official", "a model of uegan, expected dpe"),
    ],
)
def test_a_bundled_model_is_not_imported_under_a_published_ones_name(name, difference):
    bundled = store.path(CATALOG["uegan"])

    with pytest.raises(WeightsError) as caught:
        install.import_file(bundled, name)

    assert caught.value.message == f"{bundled}: is not {name}: {difference}"
    assert "--name" in caught.value.hint
    assert not store.downloaded(CATALOG[name]).exists()


@pytest.mark.parametrize("is_ours", [True, False])
def test_a_file_of_another_layout_is_not_imported_under_a_published_ones_name(
    card, state, tmp_path, is_ours
):
    path = tmp_path / "x.safetensors"
    if is_ours:
        checkpoint.write(path, state, Header("uegan", {"width": 8}, "trained"))
    else:
        save_file(state, path)

    with pytest.raises(WeightsError) as caught:
        install.import_file(path, "tiny")

    what = "a checkpoint of photoenhance" if is_ours else "safetensors without our header"
    expected = f"{path}: is not tiny: {what}, expected tiny.pth as it was published"
    assert caught.value.message == expected
    install.import_file(path, "mine")


def test_a_download_of_another_width_is_refused(card, original):
    card = replace(card, published=replace(card.published, shape={"width": 32}))

    with pytest.raises(WeightsError, match="is not tiny: width 8, expected 32"):
        install.download(card, patience=QUICK)

    assert pins.read() == {}


def test_another_file_than_the_pinned_one_is_not_imported_under_its_name(
    card, original, state, tmp_path
):
    install.download(card)
    install.remove("tiny")
    other = tmp_path / "other.pth"
    torch.save(state, other)

    with pytest.raises(WeightsError, match="has the SHA-256") as caught:
        install.import_file(other, "tiny")

    assert "models remove tiny --forget" in caught.value.hint


def test_a_model_of_ones_own_is_known_by_its_name_from_then_on(original, state, home):
    file = install.import_file(original, "mine")

    assert file == home / "data" / "models" / "mine.safetensors"
    model = load_generator("mine")
    assert torch.equal(model.generator.enc1.main[1].weight, state["enc1.main.1.weight"])
    assert store.own_names() == ["mine"]


def test_a_model_of_ones_own_is_called_after_its_file(original):
    assert install.import_file(original).stem == "tiny"


@pytest.mark.parametrize("name", ["200_net_G_A.pth", "UEGAN-FiveK_rahinge_92.0.pth"])
def test_the_published_files_names_are_names_for_models(original, name):
    path = original.rename(original.with_name(name))

    file = install.import_file(path)

    assert file.name == name.replace(".pth", ".safetensors")
    assert store.find(name.removesuffix(".pth")) == file


def test_a_name_is_not_taken_twice(original):
    install.import_file(original, "mine")

    with pytest.raises(WeightsError, match="there is a model of this name already"):
        install.import_file(original, "mine")


def test_a_bundled_model_is_not_replaced(original):
    with pytest.raises(WeightsError, match="cannot be replaced"):
        install.import_file(original, "uegan")


@pytest.mark.parametrize("name", ["../x", "a b", "", ".hidden", "ä", "a/b", "x" * 101])
def test_a_name_that_is_no_file_everywhere_is_refused(original, name):
    with pytest.raises(WeightsError, match="no name for a model"):
        install.import_file(original, name or "-")


def test_an_imported_model_can_be_removed(original):
    file = install.import_file(original, "mine")

    assert install.remove("mine") == [file]
    assert store.own_names() == []


def test_what_is_not_here_cannot_be_removed():
    with pytest.raises(WeightsError, match="is not here"):
        install.remove("mine")


def test_a_bundled_model_cannot_be_removed():
    with pytest.raises(WeightsError, match="cannot be removed"):
        install.remove("uegan")


def test_damaged_pins_are_said_to_be(card, home):
    pins.path().parent.mkdir(parents=True)
    pins.path().write_text("{")

    with pytest.raises(WeightsError, match=r"pins\.json: it is damaged"):
        install.download(card)


def test_a_cache_that_cannot_be_made_is_a_clear_error(card, home):
    home.mkdir()
    (home / "cache").write_text("in the way")

    with pytest.raises(WeightsError, match="cannot be written to") as caught:
        install.download(card)

    assert "PHOTOENHANCE_HOME" in caught.value.hint
