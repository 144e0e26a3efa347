"""What is known of models, and whether they are whole."""

import pytest
import torch

from photoenhance.errors import WeightsError
from photoenhance.zoo import checkpoint, install, inventory, pins, store
from photoenhance.zoo.catalog import CATALOG, DEFAULT_MODEL
from photoenhance.zoo.checkpoint import Header


@pytest.fixture
def mine(tmp_path, state):
    """An imported model."""
    torch.save(state, tmp_path / "x.pth")
    return install.import_file(tmp_path / "x.pth", "mine")


@pytest.fixture
def tiny(tmp_path, state, card_of, monkeypatch):
    """A published model, imported by hand."""
    monkeypatch.setitem(CATALOG, "tiny", card_of())
    torch.save(state, tmp_path / "x.pth")
    return install.import_file(tmp_path / "x.pth", "tiny")


def flip(file, place):
    content = bytearray(file.read_bytes())
    content[place] ^= 1
    file.write_bytes(content)


def test_each_model_is_listed_with_its_state(mine, tiny):
    states = {model.name: model.state for model in inventory.listed()}

    assert states[DEFAULT_MODEL] == "bundled"
    assert states["uegan-fivek"] == "available"
    assert states["tiny"] == "downloaded"
    assert states["mine"] == "imported"


def test_a_damaged_model_of_ones_own_is_listed_as_such(mine):
    mine.write_bytes(b"?")

    assert inventory.listed()[-1].summary == "Its file is damaged."


@pytest.mark.parametrize("name", CATALOG)
def test_every_card_says_what_a_user_must_know(name):
    facts = inventory.facts(name)

    for key in ("summary", "architecture", "licence", "source", "training_data", "citation"):
        assert facts[key]
    if facts["state"] == "available":
        assert all(address.startswith("https://") for address in facts["original_addresses"])
        assert "parameters" not in facts


def test_facts_of_a_download_tell_where_its_hash_is_known_from(tiny, state):
    facts = inventory.facts("tiny")

    assert facts["original_sha256"] == facts["imported_sha256"]
    assert str(pins.path()) in facts["original_sha256_known_from"]
    assert facts["parameters"] == sum(tensor.numel() for tensor in state.values())


def test_facts_of_an_imported_model_are_its_headers(mine):
    facts = inventory.facts("mine")

    assert facts["state"] == "imported"
    assert facts["config"].items() >= {"width": 8, "squeeze": "none"}.items()
    assert "x.pth" in facts["origin"]


def test_bundled_weights_are_those_that_the_catalogue_names():
    for card in CATALOG.values():
        if card.published is None:
            assert card.sha256 == store.sha256(store.path(card))


def test_whole_models_have_no_problems(mine, tiny):
    assert inventory.problems("mine") == inventory.problems("tiny") == []
    assert inventory.problems(DEFAULT_MODEL) == []


@pytest.mark.parametrize("place", [-1, -100_000])
def test_a_changed_byte_among_the_numbers_is_found(mine, place):
    flip(mine, place)

    assert inventory.problems("mine") == [f"{mine}: was changed since it was written"]


def test_a_changed_letter_of_the_header_is_found(mine):
    flip(mine, mine.read_bytes().index(b"x.pth"))

    assert inventory.problems("mine") == [f"{mine}: was changed since it was written"]


def test_a_file_that_is_no_checkpoint_any_more_is_a_clear_error(mine):
    mine.write_bytes(b"?")

    with pytest.raises(WeightsError, match="not a photoenhance checkpoint"):
        inventory.problems("mine")


def test_a_download_made_from_another_file_than_the_pinned_one_is_found(tiny):
    pins.write("tiny.pth", pins.Pin("ab" * 32, 1, "elsewhere"))

    (problem,) = inventory.problems("tiny")

    assert "made from another file than tiny.pth" in problem


def test_a_damaged_bundled_model_is_found(monkeypatch, tmp_path, state):
    file = tmp_path / "uegan.safetensors"
    checkpoint.write(file, state, Header("uegan", {"width": 8}, "a test"))
    monkeypatch.setattr(store, "path", lambda card: file)

    (problem,) = inventory.problems("uegan")

    assert "has the SHA-256" in problem
