import pytest

from photoenhance.zoo.network import is_offline

ONLINE = ["", "0", "false", "False", "no", "NO", "off", " 0 "]
OFFLINE = ["1", "true", "TRUE", "yes", "on", "ja", "2"]


@pytest.mark.parametrize("value", ONLINE)
def test_what_says_no_allows_the_network(monkeypatch, value):
    monkeypatch.setenv("PHOTOENHANCE_OFFLINE", value)

    assert not is_offline()


@pytest.mark.parametrize("value", OFFLINE)
def test_everything_else_forbids_it(monkeypatch, value):
    monkeypatch.setenv("PHOTOENHANCE_OFFLINE", value)

    assert is_offline()


def test_unset_allows_it(monkeypatch):
    monkeypatch.delenv("PHOTOENHANCE_OFFLINE", raising=False)

    assert not is_offline()
