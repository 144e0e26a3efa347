"""`photoenhance models`."""

from photoenhance.zoo import store
from photoenhance.zoo.catalog import CATALOG


def test_list_names_each_model_and_the_default(cli):
    ended = cli("models", "list")

    assert ended.code == 0
    assert ended.out.startswith("uegan ")
    assert "(default)" in ended.out
    assert ended.err == ""


def test_show_tells_what_a_user_must_know_of_the_bundled_model(cli, model, monkeypatch):
    monkeypatch.setattr(store, "path", lambda card: model)

    ended = cli("models", "show", "uegan")

    assert ended.code == 0
    for fact in ("licence:", "source:", "training data:", "parameters:", "size:", "cite:"):
        assert fact in ended.out
    assert store.sha256(model) in ended.out


def test_show_tells_what_a_file_says_of_itself(cli, model):
    ended = cli("models", "show", model)

    assert ended.code == 0
    assert "uegan (width 8)" in ended.out
    assert "a test" in ended.out


def test_show_of_an_unknown_model_exits_3_and_lists_what_exists(cli):
    ended = cli("models", "show", "ugan")

    assert ended.code == 3
    assert ended.out == ""
    error, hint = ended.err.splitlines()
    assert error == "Error: ugan: no model, file or training run of this name"
    assert hint == (
        f"Hint: Choose one of: {', '.join(CATALOG)}; or name a .safetensors file or a run."
    )
