"""Where weights and the program's own files lie."""

import hashlib

import pytest

from photoenhance.errors import WeightsError
from photoenhance.zoo import store
from photoenhance.zoo.catalog import CATALOG, DEFAULT_MODEL


@pytest.fixture
def package(tmp_path, monkeypatch):
    folder = tmp_path / "checkout" / "photoenhance"
    folder.mkdir(parents=True)
    monkeypatch.setattr(store, "PACKAGE", folder)
    return folder


def put(folder):
    folder.mkdir()
    file = folder / CATALOG["uegan"].file
    file.touch()
    return file


def test_the_default_model_is_in_the_catalogue_under_its_own_name():
    assert DEFAULT_MODEL in CATALOG
    assert all(name == card.name for name, card in CATALOG.items())


def test_weights_are_found_inside_an_installed_package(package):
    file = put(package / "weights")

    assert store.path(CATALOG["uegan"]) == file


def test_weights_are_found_beside_the_package_in_a_checkout(package):
    file = put(package.parent / "weights")

    assert store.path(CATALOG["uegan"]) == file


def test_missing_weights_are_an_error_that_says_what_to_do(package):
    with pytest.raises(WeightsError, match=r"uegan.safetensors, are missing") as caught:
        store.path(CATALOG["uegan"])

    assert "--model FILE" in caught.value.hint


def test_home_moves_every_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("PHOTOENHANCE_HOME", str(tmp_path))

    assert store.folder("state") == tmp_path / "state"
    assert store.folder("config") == tmp_path / "config"


def test_without_home_the_systems_customs_decide(monkeypatch):
    monkeypatch.delenv("PHOTOENHANCE_HOME", raising=False)

    assert "photoenhance" in store.folder("cache").parts


def test_a_name_of_the_catalogue_wins_over_a_folder(package, tmp_path, monkeypatch):
    file = put(package / "weights")
    (tmp_path / "uegan").mkdir()
    monkeypatch.chdir(tmp_path)

    assert store.find("uegan") == file


def test_a_run_is_found_by_its_folder(tmp_path):
    (tmp_path / store.RUN_FILE).touch()

    assert store.find(tmp_path) == tmp_path / store.RUN_FILE


def test_a_folder_without_a_generator_is_no_run(tmp_path):
    with pytest.raises(WeightsError, match="no training run, or none that saved"):
        store.find(tmp_path)


def test_an_unknown_name_is_an_error_that_lists_what_exists():
    with pytest.raises(WeightsError, match="ugan: no model, file or training run") as caught:
        store.find("ugan")

    assert "uegan" in caught.value.hint


def test_the_hash_is_the_files_sha256(tmp_path):
    file = tmp_path / "x"
    file.write_bytes(b"abc")

    assert store.sha256(file) == hashlib.sha256(b"abc").hexdigest()


def test_a_damaged_file_has_no_parameters(tmp_path):
    file = tmp_path / "x.safetensors"
    file.write_bytes(b"\x08\0\0\0\0\0\0\0garbage!")

    with pytest.raises(WeightsError, match="damaged"):
        store.parameters(file)
