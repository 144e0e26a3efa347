"""Our models in ONNX Runtime."""

import json
import sys

import numpy as np
import pytest
import torch

from photoenhance.errors import ConfigError, WeightsError
from photoenhance.networks import ARCHITECTURES
from photoenhance.zoo.checkpoint import Header
from photoenhance.zoo.convert import convert
from photoenhance.zoo.export import export_onnx
from photoenhance.zoo.load import LoadedModel

MODELS = [
    ("uegan", {"width": 8}),
    ("enlightengan", {"width": 4}),
    ("enlightengan", {"width": 4, "attention": False, "align_corners": False}),
    ("enlightengan", {"width": 4, "margin": 32}),
    ("dpe", {"width": 4, "side": 64, "context": "native"}),
]


def model_of(architecture, **config):
    torch.manual_seed(5)
    known = ARCHITECTURES[architecture]
    generator = known.generator(known.config(**config))
    for parameter in generator.parameters():
        parameter.data += torch.rand_like(parameter) / 20
    for buffer in generator.buffers():
        if buffer.is_floating_point():
            buffer.add_(torch.rand_like(buffer))
    header = Header(architecture, config, "a test")
    return LoadedModel("tiny", generator.eval(), "ab" * 32, header)


@pytest.mark.parametrize(("architecture", "config"), MODELS)
def test_onnx_runtime_gives_the_same_pictures_at_any_size(tmp_path, architecture, config):
    onnxruntime = pytest.importorskip("onnxruntime")
    model = model_of(architecture, **config)

    export_onnx(model, tmp_path / "x.onnx")

    session = onnxruntime.InferenceSession(tmp_path / "x.onnx", providers=["CPUExecutionProvider"])
    for count, height, width in [(1, 64, 96), (2, 128, 80), (1, 37, 201), (1, 3, 2), (1, 1, 1)]:
        image = torch.rand(count, 3, height, width)
        (enhanced,) = session.run(["enhanced"], {"image": image.numpy()})
        with torch.inference_mode():
            expected = model.generator(image).numpy()
        assert enhanced.shape == expected.shape
        np.testing.assert_allclose(enhanced, expected, rtol=0, atol=1e-4)
    assert np.abs(expected - image.numpy()).max() > 0.01


def test_an_export_says_what_it_is_and_can_be_imported_again(tmp_path):
    onnx = pytest.importorskip("onnx")
    model = model_of("enlightengan", width=4, work_size=160)

    export_onnx(model, tmp_path / "x.onnx")

    assert "of 160 pixels" in onnx.load(tmp_path / "x.onnx").doc_string
    said = {each.key: each.value for each in onnx.load(tmp_path / "x.onnx").metadata_props}
    assert said["architecture"] == "enlightengan"
    assert said["weights_sha256"] == model.sha256
    tensors = convert(tmp_path / "x.onnx").tensors
    state = model.generator.state_dict()
    assert all(torch.equal(tensors[name], state[name]) for name in state if "tracked" not in name)


def test_an_export_says_how_much_local_work_is_to_be_kept(tmp_path):
    onnx = pytest.importorskip("onnx")

    export_onnx(model_of("uegan", width=8, work_size=128, local=0.25), tmp_path / "x.onnx")

    graph = onnx.load(tmp_path / "x.onnx")
    assert "of 128 pixels on the short side, and 25% of what" in graph.doc_string
    config = {each.key: each.value for each in graph.metadata_props}["config"]
    assert json.loads(config)["local"] == 0.25


def test_without_the_extra_it_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    monkeypatch.setattr("photoenhance.zoo.export.find_spec", lambda name: None)

    with pytest.raises(ConfigError, match="onnx and onnxruntime are not installed") as caught:
        export_onnx(model_of("uegan", width=8), tmp_path / "x.onnx")

    assert "photoenhance[onnx]" in caught.value.hint


def test_a_result_that_differs_is_not_written(tmp_path, monkeypatch):
    pytest.importorskip("onnxruntime")
    monkeypatch.setattr("photoenhance.zoo.export._run", lambda content, image: image.numpy() * 0)

    with pytest.raises(WeightsError, match="ONNX Runtime's result differs by"):
        export_onnx(model_of("uegan", width=8), tmp_path / "x.onnx")

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("architecture", "config"),
    [("enlightengan", {"width": 4, "halve_wide": True}), ("dpe", {"width": 4, "side": 64})],
)
def test_a_use_that_no_graph_can_have_is_refused(tmp_path, architecture, config):
    pytest.importorskip("onnxruntime")

    with pytest.raises(WeightsError, match="used so has no graph for photos of any size") as caught:
        export_onnx(model_of(architecture, **config), tmp_path / "x.onnx")

    assert architecture in caught.value.hint
