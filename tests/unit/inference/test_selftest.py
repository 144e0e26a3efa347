"""The doctor's self-test."""

import torch

from photoenhance.inference.selftest import Outcome, examine
from photoenhance.networks.uegan import UEGANConfig, UEGANGenerator

CPU = torch.device("cpu")


def test_a_sound_generator_passes(generator):
    outcome = examine(generator, CPU)

    assert outcome.faults() == ()
    assert outcome.is_repeatable
    assert outcome.change > 1
    assert outcome.speed > 0


def test_a_generator_whose_tiles_differ_is_found_out(generator, monkeypatch):
    schemes = generator.schemes

    def wrong(height, width):
        for scheme in schemes(height, width):
            render = scheme.render
            object.__setattr__(scheme, "render", lambda tile, s, r=render: r(tile, s) * 0.9)
            yield scheme

    monkeypatch.setattr(generator, "schemes", lambda *size: list(wrong(*size)))

    outcome = examine(generator, CPU)

    assert outcome.difference > 5
    assert outcome.faults() == (
        f"tiles differ by {outcome.difference} levels from the photo at once",
    )


def test_each_fault_is_told():
    assert Outcome(1, 0.1, 0, is_repeatable=True).faults() == (
        "the model leaves the photo as it is",
    )
    assert Outcome(1, 5, 1, is_repeatable=False).faults() == (
        "the same photo came out differently the second time",
    )


def test_a_generator_that_has_strips_alone_passes():
    generator = UEGANGenerator(UEGANConfig(width=8, squeeze="before"))
    generator.initialise(gain=1.0, last=1.0)

    outcome = examine(generator, CPU)

    assert outcome.difference <= 1
    assert outcome.is_repeatable
