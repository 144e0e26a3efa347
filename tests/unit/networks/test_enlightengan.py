import pytest
import torch
import torch.nn.functional as F

from photoenhance.networks.enlightengan import (
    EnlightenGANConfig,
    EnlightenGANDiscriminator,
    EnlightenGANGenerator,
)


def network(**options: bool) -> EnlightenGANGenerator:
    torch.manual_seed(5)
    generator = EnlightenGANGenerator(EnlightenGANConfig(4, **options))
    generator.initialise(gain=1.387, last=1.0)
    return generator.eval()


def test_darkness_is_one_minus_luma() -> None:
    image = torch.tensor([1.0, 0.5, 0.0]).view(1, 3, 1, 1)

    dark = EnlightenGANGenerator.darkness(image)

    assert dark.shape == (1, 1, 1, 1)
    assert float(dark) == pytest.approx(1 - 0.299 - 0.587 / 2)


@pytest.mark.parametrize(
    ("size", "rows", "columns"),
    [((32, 48), (0, 0), (0, 0)), ((83, 115), (6, 7), (6, 7)), ((47, 1), (0, 1), (7, 8))],
)
def test_the_odd_pixel_of_the_padding_goes_to_the_end(
    size: tuple[int, int], rows: tuple[int, int], columns: tuple[int, int]
) -> None:
    extension = network().extension(*size)

    assert (extension.rows, extension.columns) == (rows, columns)
    assert not extension.repeats_edge


def test_a_margin_is_worked_on_and_cut_off() -> None:
    torch.manual_seed(3)
    plain = EnlightenGANGenerator(EnlightenGANConfig(width=2)).eval()
    with_margin = EnlightenGANGenerator(EnlightenGANConfig(width=2, margin=16)).eval()
    with_margin.load_state_dict(plain.state_dict())
    photo = torch.rand(1, 3, 32, 48)
    reflected = F.pad(photo, (16, 16, 16, 16), "reflect")

    with torch.inference_mode():
        enhanced, larger = with_margin(photo), plain(reflected)

    torch.testing.assert_close(enhanced, larger[:, :, 16:-16, 16:-16])
    assert not torch.equal(enhanced, plain(photo))


@pytest.mark.parametrize("values", [{"margin": 8}, {"margin": -16}, {"work_size": 16}])
def test_margins_and_work_sizes_that_cannot_be_are_refused(values: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="expected"):
        EnlightenGANConfig(**values)


def test_white_stays_white_whatever_the_weights_are() -> None:
    white = torch.ones(1, 3, 32, 32)

    with torch.inference_mode():
        enhanced = network().unclamped(white)

    torch.testing.assert_close(enhanced, white, rtol=0, atol=1e-6)


def test_without_attention_only_the_residual_knows_where_it_is_dark() -> None:
    generator = network(attention=False)
    image = torch.rand(1, 3, 32, 32)

    with torch.inference_mode():
        darker = generator.unclamped(image, torch.ones(1, 1, 32, 32)) - image
        lighter = generator.unclamped(image, torch.full((1, 1, 32, 32), 0.25)) - image

    assert generator.state_dict()["conv1_1.weight"].shape[1] == 3
    torch.testing.assert_close(lighter, darker / 4, rtol=0, atol=1e-6)


@pytest.mark.parametrize(("width", "halved"), [(2200, False), (2201, True)])
def test_only_wide_photos_are_halved_and_only_on_demand(width: int, halved: bool) -> None:
    image = torch.rand(1, 3, 16, width)

    with torch.inference_mode():
        plain = network()(image)
        official = network(halve_wide=True)(image)

    assert torch.equal(plain, official) != halved
    assert official.shape == image.shape


def test_a_small_last_layer_begins_near_the_identity() -> None:
    generator = EnlightenGANGenerator(EnlightenGANConfig(4))
    generator.initialise(gain=1.387, last=0.01)
    image = torch.rand(2, 3, 64, 64)

    enhanced = generator.train().unclamped(image)

    assert (enhanced - image).abs().max() < 0.05


def test_published_initialisation_has_its_deviation() -> None:
    generator = EnlightenGANGenerator(EnlightenGANConfig(8))
    judge = EnlightenGANDiscriminator(16, layers=3)

    generator.initialise_as_published()
    judge.initialise_as_published()

    for weight in (generator.state_dict()["conv5_2.weight"], judge.state_dict()["model.6.weight"]):
        assert float(weight.std()) == pytest.approx(0.02, rel=0.03)
    assert float(generator.state_dict()["bn5_1.weight"].mean()) == pytest.approx(1, abs=0.01)
    assert not generator.state_dict()["bn5_1.bias"].any()


def test_weights_load_with_and_without_counters() -> None:
    state = network().state_dict()
    bare = {key: value for key, value in state.items() if "num_batches" not in key}

    with_counters = network().load_state_dict(state)
    without = network().load_state_dict(bare)

    assert not with_counters.missing_keys + without.missing_keys


@pytest.mark.parametrize(("layers", "side", "logits"), [(5, 320, 13), (4, 32, 5), (5, 1, 3)])
def test_discriminators_give_maps_of_the_published_sizes(
    layers: int, side: int, logits: int
) -> None:
    judge = EnlightenGANDiscriminator(2, layers)

    with torch.inference_mode():
        assert judge(torch.rand(1, 3, side, side)).shape == (1, 1, logits, logits)


def test_halos_are_those_worked_out_by_hand() -> None:
    # 6, 14 pixels for a survey; 14, 34, 126 for a rendering; rounded up to what the levels need.
    schemes = network().schemes(100, 100)

    halos = [(scheme.survey_halo, scheme.halo) for scheme in schemes]

    assert halos == [(8, 16), (16, 40), (0, 128)]
