import sys
from types import SimpleNamespace

import pytest

from photoenhance.training import features


@pytest.mark.parametrize(("value", "is_asked"), [("0", True), ("no", True), ("1", False)])
def test_a_vgg_is_downloaded_where_the_network_may_be_used(monkeypatch, value, is_asked):
    asked = []

    def vgg19(**options):
        asked.append(options)
        raise OSError("no network in tests")

    models = SimpleNamespace(vgg16=None, vgg19=vgg19)
    monkeypatch.setitem(sys.modules, "torchvision", SimpleNamespace(models=models))
    monkeypatch.setenv("PHOTOENHANCE_OFFLINE", value)

    _, name = features.perceptual_features(None, ["conv1_1"])

    assert name == "the encoder of the bundled model (no VGG to be had)"
    assert bool(asked) is is_asked
