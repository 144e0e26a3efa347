import pytest
import torch


@pytest.mark.parametrize("scheme", [0, 1, 2])
def test_pieces_in_bfloat16_stay_near_the_whole_in_float32(
    generator, draw, render_in_pieces, scheme: int
) -> None:
    image = torch.from_numpy(draw(160, 192)).permute(2, 0, 1)[None].float() / 255
    with torch.inference_mode():
        whole = generator(image)

    with torch.autocast("cpu", torch.bfloat16):
        schemes = generator.schemes(160, 192)
        pieces = render_in_pieces(generator, schemes[scheme], image, (64, 64)).float()

    assert (pieces - whole).abs().mean() < 1 / 255
    assert (pieces - whole).abs().max() < 12 / 255
