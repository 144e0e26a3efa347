import pytest
import torch

from photoenhance.networks import bands


@pytest.mark.parametrize("scheme", [0, 1, 2])
@pytest.mark.parametrize("size", [(160, 96), (150, 83)])
def test_thin_bands_change_nothing(
    monkeypatch: pytest.MonkeyPatch,
    generator,
    draw,
    render_in_pieces,
    scheme: int,
    size: tuple[int, int],
) -> None:
    image = torch.from_numpy(draw(*size)).permute(2, 0, 1)[None].float() / 255
    with torch.inference_mode():
        whole = generator(image)

    monkeypatch.setattr(bands, "BAND_VALUES", 1)
    pieces = render_in_pieces(generator, generator.schemes(*size)[scheme], image, (96, 96))

    torch.testing.assert_close(pieces, whole, rtol=0, atol=1e-5)
