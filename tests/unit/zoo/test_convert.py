"""Files of every published layout -> our generators."""

import io
import json
import zipfile
from collections import OrderedDict

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from photoenhance.errors import WeightsError
from photoenhance.networks import ARCHITECTURES
from photoenhance.zoo import bundle, checkpoint, dpe_names, store
from photoenhance.zoo.catalog import CATALOG
from photoenhance.zoo.convert import convert
from photoenhance.zoo.crc32c import crc32c, masked_crc32c

TINY_DPE = "golden/dpe/tiny/tf_ckpt/90.000-new.ckpt"


@pytest.fixture
def golden(shared):
    return shared / "golden"


def training_file(state):
    """Imitate the dict that the UEGAN authors' trainer saves."""
    generator = torch.nn.Conv2d(3, 4, 3)
    optimizer = torch.optim.Adam(generator.parameters())
    generator(torch.ones(1, 3, 4, 4)).sum().backward()
    optimizer.step()
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda epoch: 1.0)
    return {
        "epoch": 92.0,
        "G_net": state,
        "D_net": OrderedDict(generator.state_dict()),
        "g_optimizer": optimizer.state_dict(),
        "d_optimizer": optimizer.state_dict(),
        "lr_scheduler_g": schedule.state_dict(),
        "lr_scheduler_d": schedule.state_dict(),
    }


def assert_same(converted, state):
    assert {name for name in converted.tensors if not name.endswith("tracked")} == set(state)
    for name, tensor in state.items():
        assert torch.equal(converted.tensors[name], tensor)


@pytest.mark.parametrize("is_new", [True, False])
@pytest.mark.parametrize("is_bare", [True, False])
@pytest.mark.parametrize("prefix", ["", "module."])
def test_uegans_files_of_either_format_give_their_generator(
    tmp_path, state, is_new, is_bare, prefix
):
    path = tmp_path / "UEGAN-FiveK_rahinge_92.0.pth"
    named = OrderedDict((prefix + name, tensor) for name, tensor in state.items())
    saved = named if is_bare else training_file(named)
    torch.save(saved, path, _use_new_zipfile_serialization=is_new)

    converted = convert(path)

    assert_same(converted, state)
    assert converted.header.architecture == "uegan"
    uegan = ARCHITECTURES["uegan"].config
    assert uegan(**converted.header.config) == uegan(width=8)
    assert path.name in converted.header.origin
    assert converted.header.original_sha256 == store.sha256(path)


def test_the_layout_of_torch_before_0_4_is_read(golden):
    path = golden / "enlightengan" / "legacy_module_prefix.pth"

    converted = convert(path)

    assert converted.header.architecture == "enlightengan"
    assert converted.header.config["width"] == 2
    assert converted.header.config["attention"] is True
    assert converted.header.config["align_corners"] is True
    assert len(converted.tensors) == 131


@pytest.mark.parametrize("attention", [True, False])
@pytest.mark.parametrize("has_counters", [True, False])
def test_enlightengans_files_tell_their_channels_with_counters_or_without(
    tmp_path, attention, has_counters
):
    torch.manual_seed(0)
    architecture = ARCHITECTURES["enlightengan"]
    config = architecture.config(width=2, attention=attention)
    state = architecture.generator(config).state_dict()
    path = tmp_path / "200_net_G_A.pth"
    torch.save(
        {f"module.{k}": v for k, v in state.items() if has_counters or not k.endswith("tracked")},
        path,
    )

    converted = convert(path)

    assert converted.header.config["attention"] is attention
    assert converted.tensors.keys() == state.keys()


def test_what_neither_file_nor_shapes_tell_comes_from_the_defaults(golden):
    path = golden / "enlightengan" / "generator.safetensors"

    converted = convert(path, defaults={"enlightengan": {"align_corners": False, "width": 99}})

    assert converted.header.config["align_corners"] is False
    assert converted.header.config["width"] == 4


@pytest.mark.parametrize("name", ["", ".index", ".data-00000-of-00001"])
def test_a_tensorflow_checkpoint_is_found_by_any_of_its_names(shared, name):
    converted = convert(shared / (TINY_DPE + name))

    assert converted.header.architecture == "dpe"
    assert converted.header.config["widths"] == "4-5-6-8"
    assert len(converted.tensors) == 86
    data = shared / (TINY_DPE + ".data-00000-of-00001")
    assert converted.header.original_sha256 == store.sha256(data)
    assert store.git_blob(data.read_bytes()) in converted.proofs


def test_a_file_with_the_checksums_of_a_published_model_is_said_to_have_them(
    shared, monkeypatch, card_of
):
    data = shared / (TINY_DPE + ".data-00000-of-00001")
    card = card_of(name="genuine", proofs=(store.git_blob(data.read_bytes()),))
    monkeypatch.setitem(CATALOG, card.name, card)

    assert convert(data).header.origin.endswith("with the checksums of genuine")


def test_a_tensorflow_index_without_its_data_is_refused(shared, tmp_path):
    path = tmp_path / "a.index"
    path.write_bytes((shared / (TINY_DPE + ".index")).read_bytes())

    with pytest.raises(WeightsError, match=r"a\.data-00000-of-00001 is not beside it"):
        convert(path)


@pytest.fixture
def archive(shared, tmp_path):
    """Pack the tiny checkpoint under several names, like the authors' archive of their demo."""

    def make(*names):
        path = tmp_path / "models.zip"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as members:
            members.writestr("read me.txt", "hello")
            for name in names:
                for end in (".index", ".data-00000-of-00001"):
                    members.writestr(name + end, (shared / (TINY_DPE + end)).read_bytes())
        return path

    return make


def test_a_tensorflow_checkpoint_in_an_archive_is_found(archive, shared):
    path = archive("demo/LPGAN_exp_G3_999/90.000-new.ckpt")

    converted = convert(path)

    expected = convert(shared / TINY_DPE)
    assert_same(converted, expected.tensors)
    assert converted.proofs == expected.proofs


def test_one_of_several_in_an_archive_is_chosen_by_its_path(archive):
    path = archive("d/G3_604/27.500-new.ckpt", "d/G3_999/90.000-new.ckpt", "d/G3_999/90.000.ckpt")

    assert convert(path, member="999").header.architecture == "dpe"
    with pytest.raises(WeightsError, match="has 2 of these checkpoints: d/G3_604/") as caught:
        convert(path)
    assert "--member" in caught.value.hint
    with pytest.raises(WeightsError, match="has none of these"):
        convert(path, member="577")


def test_a_training_run_gives_its_generator(tmp_path, state):
    file = tmp_path / store.RUN_FILE
    checkpoint.write(file, state, checkpoint.Header("uegan", {"width": 8}, "a run"))

    converted = convert(tmp_path)

    assert_same(converted, state)
    assert converted.header.origin.startswith("a run; imported from generator.safetensors")


def test_safetensors_of_others_are_told_by_their_names(tmp_path, state):
    save_file(state, tmp_path / "x.safetensors")

    assert_same(convert(tmp_path / "x.safetensors"), state)


def test_double_precision_becomes_single(tmp_path, state):
    torch.save({name: tensor.double() for name, tensor in state.items()}, tmp_path / "x.pth")

    assert_same(convert(tmp_path / "x.pth"), state)


@pytest.mark.parametrize(
    ("file", "words"),
    [
        ("uegan/d_small.safetensors", "a discriminator, which enhances nothing"),
        ("enlightengan/disc_patch.safetensors", "a discriminator, which enhances nothing"),
        ("enlightengan/vgg16_div16.safetensors", "tensors of no known architecture: conv1_1.bias"),
        ("enlightengan/README.md", "of no known format"),
        ("enlightengan/sfp.npz", "an archive without any TensorFlow checkpoint"),
        ("uegan", "this folder is no training run"),
        ("nothing.pth", "no such file"),
    ],
)
def test_what_is_no_generator_is_refused_with_the_reason(golden, file, words):
    with pytest.raises(WeightsError, match=words):
        convert(golden / file)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"<!DOCTYPE html><title>Google Drive</title>", "a web page, not weights"),
        (b"version https://git-lfs.github.com/spec/v1\n", "Git LFS's pointer"),
    ],
)
def test_what_a_download_leaves_by_mistake_is_recognised(tmp_path, content, words):
    path = tmp_path / "enlighten.onnx"
    path.write_bytes(content)

    with pytest.raises(WeightsError, match=words):
        convert(path)


def test_a_missing_tensor_is_named(tmp_path, state):
    del state["ga3.fuse.0.bias"]
    torch.save(state, tmp_path / "x.pth")

    with pytest.raises(WeightsError, match=r"ga3\.fuse\.0\.bias is missing"):
        convert(tmp_path / "x.pth")


def test_spectral_normalisation_is_said_not_to_be_supported(tmp_path, state):
    state["enc1.main.1.weight_orig"] = state.pop("enc1.main.1.weight")
    torch.save(state, tmp_path / "x.pth")

    with pytest.raises(WeightsError, match="spectral normalisation"):
        convert(tmp_path / "x.pth")


@pytest.mark.parametrize(
    ("data", "crc"),
    [  # RFC 3720, appendix B.4
        (bytes(32), 0x8A9136AA),
        (b"\xff" * 32, 0x62A8AB43),
        (bytes(range(32)), 0x46DD794E),
        (b"123456789", 0xE3069283),
    ],
)
def test_crc_32c_has_the_published_values(data, crc):
    assert crc32c(data) == crc


@pytest.mark.parametrize("length", [0, 4095, 4096, 4097, 100_003])
def test_crc_32c_in_lanes_equals_byte_by_byte(length):
    data = np.random.default_rng(length).bytes(length)
    expected = 0xFFFFFFFF
    for byte in data:
        expected ^= byte
        for _ in range(8):
            expected = expected >> 1 ^ (0x82F63B78 if expected & 1 else 0)

    assert crc32c(data) == expected ^ 0xFFFFFFFF
    assert masked_crc32c(data) != crc32c(data)


def test_every_tensor_of_the_golden_bundle_equals_the_golden_weights(golden):
    folder = golden / "dpe" / "tiny"
    index = (folder / "tf_ckpt" / "90.000-new.ckpt.index").read_bytes()
    data = (folder / "tf_ckpt" / "90.000-new.ckpt.data-00000-of-00001").read_bytes()
    entries = bundle.entries(index)

    tensors = bundle.tensors(entries, entries, data)

    expected = load_file(folder / "weights.safetensors")
    assert tensors.keys() == expected.keys()
    assert all(torch.equal(tensors[name], expected[name]) for name in expected)


def test_the_proofs_in_the_catalogue_are_those_of_the_published_checksums(shared):
    content = json.loads((shared / "golden/dpe/official_checkpoints.json").read_text())
    fingerprints = {}
    for name, known in content["checkpoints"].items():
        sums = {row[0]: row[4] for row in known["tensors"]}
        proof = bundle.fingerprint(dpe_names.generator_sums(sums))
        fingerprints[name] = {proof, known["data_git_blob_sha1"]}

    cards = {
        name: set(CATALOG[f"dpe-{name}-official"].published.proofs)
        for name in ("hdr", "supervised")
    }
    assert cards["supervised"] == fingerprints["27.500-new"]
    assert cards["hdr"] == fingerprints["90.000-new"]
    assert cards["hdr"] & fingerprints["90.000"]  # the training's own file has the same tensors


def onnx_of(config, path, *, rename=False):
    """Export a tiny EnlightenGAN as its port was, maybe with names that mean nothing."""
    onnx = pytest.importorskip("onnx")
    torch.manual_seed(1)
    architecture = ARCHITECTURES["enlightengan"]
    generator = architecture.generator(config).eval()
    for buffer in generator.buffers():
        if buffer.is_floating_point():  # else the exporter would keep one for all that are alike
            buffer.copy_(torch.rand_like(buffer) + 0.5)
    for parameter in generator.parameters():
        parameter.data += torch.rand_like(parameter) / 10
    stream = io.BytesIO()
    torch.onnx.export(generator, (torch.rand(1, 3, 32, 32),), stream, dynamo=False)
    model = onnx.load_from_string(stream.getvalue())
    if rename:
        names = {each.name: f"t{k}" for k, each in enumerate(model.graph.initializer)}
        for each in model.graph.initializer:
            each.name = names[each.name]
        for node in model.graph.node:
            for k, name in enumerate(node.input):
                node.input[k] = names.get(name, name)
    path.write_bytes(model.SerializeToString())
    return generator


@pytest.mark.filterwarnings("ignore")  # of the tracer
@pytest.mark.parametrize("rename", [False, True])
@pytest.mark.parametrize("aligned", [False, True])
def test_an_onnx_file_gives_its_weights_and_its_alignment(tmp_path, rename, aligned):
    config = ARCHITECTURES["enlightengan"].config(width=2, align_corners=aligned)
    generator = onnx_of(config, tmp_path / "enlighten.onnx", rename=rename)

    converted = convert(tmp_path / "enlighten.onnx")

    state = {k: v for k, v in generator.state_dict().items() if not k.endswith("tracked")}
    assert_same(converted, state)
    assert converted.header.config["align_corners"] is aligned


@pytest.mark.filterwarnings("ignore")  # of the tracer
def test_an_onnx_file_that_does_not_say_how_it_resizes_aligns_no_corners(tmp_path):
    path = tmp_path / "enlighten.onnx"
    onnx_of(ARCHITECTURES["enlightengan"].config(width=2), path)
    path.write_bytes(path.read_bytes().replace(b"coordinate_transformation_mode", b"x" * 30))

    assert convert(path).header.config["align_corners"] is False
