"""Tiny models and a home of their own."""

import os

import pytest
import torch

from photoenhance.networks import ARCHITECTURES
from photoenhance.zoo.catalog import ModelCard, Published


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """A home of its own, and neither proxies nor settings from outside."""
    for name in list(os.environ):
        if name.startswith("PHOTOENHANCE_") or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("PHOTOENHANCE_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def state():
    """The state dict of a seeded UEGAN generator of width 8."""
    torch.manual_seed(3)
    architecture = ARCHITECTURES["uegan"]
    return architecture.generator(architecture.config(width=8)).state_dict()


@pytest.fixture
def card_of():
    """Make the card of a published UEGAN that lies at these addresses."""

    def make(*addresses, name="tiny", file="tiny.pth", **known):
        return ModelCard(
            name=name,
            summary="A tiny model.",
            architecture=known.pop("architecture", "uegan"),
            file=f"{name}.safetensors",
            licence="none",
            source="a test",
            training_data="nothing",
            citation="nobody",
            published=Published(file, addresses, "https://example.org/tiny", **known),
        )

    return make
