"""Files that mean harm, or lie: refused quickly, in bounded memory, with nothing executed."""

import io
import os
import pickle
import resource
import struct
import subprocess
import sys
import time
import zipfile
import zlib
from contextlib import suppress

import pytest
import torch

from photoenhance.errors import WeightsError
from photoenhance.zoo import checkpoint, pickles
from photoenhance.zoo.convert import convert

HUGE = 10 * 1000**3 // 4  # float32 numbers in 10 GB


def refused(path, *words, seconds=10.0):
    """Convert a file, which must fail clearly, soon and without taking memory for it."""
    before, begun = memory_peak(), time.monotonic()

    with pytest.raises(WeightsError) as caught:
        convert(path)

    assert time.monotonic() - begun < seconds
    assert memory_peak() - before < 600 << 20
    for word in words:
        assert word in caught.value.message
    assert caught.value.message.startswith(str(path))
    assert "\n" not in caught.value.message


def memory_peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


class Bomb:
    """What a pickle does when it is loaded trustingly."""

    def __init__(self, marker):
        self.marker = marker

    def __reduce__(self):
        return os.system, (f"touch {self.marker}",)


@pytest.mark.parametrize("is_new", [True, False])
def test_a_pickle_that_runs_a_command_is_refused_unrun(tmp_path, is_new):
    marker, path = tmp_path / "ran", tmp_path / "x.pth"
    torch.save({"G_net": Bomb(marker)}, path, _use_new_zipfile_serialization=is_new)

    refused(path, "wants to call", "system")

    assert not marker.exists()


@pytest.mark.parametrize("is_new", [True, False])
def test_a_whole_module_is_refused_with_the_reason(tmp_path, is_new):
    path = tmp_path / "x.pth"
    torch.save(torch.nn.Conv2d(3, 4, 3), path, _use_new_zipfile_serialization=is_new)

    refused(path, "wants to call 'torch.nn.modules.conv.Conv2d'")


def old_file(path, instructions):
    """Write a file in torch's old format whose main object is made by these instructions."""
    others = [pickles.OLD_START, pickle.dumps(1001, 2), pickle.dumps({}, 2)]
    path.write_bytes(b"".join([*others, instructions, pickle.dumps([], 2)]))
    return path


def test_a_pickle_that_asks_for_memory_is_refused(tmp_path):
    million = struct.pack("<i", 2**31 - 1)

    path = old_file(tmp_path / "x.pth", b"\x80\x02cbuiltins\nbytearray\nJ" + million + b"\x85R.")

    refused(path, "wants to call 'builtins.bytearray'")


def test_a_pickle_with_a_text_of_four_gigabytes_is_refused(tmp_path):
    path = old_file(tmp_path / "x.pth", b"\x80\x02X\xff\xff\xff\xffabc.")

    refused(path, "its pickle is damaged")


def test_a_pickle_without_end_is_refused(tmp_path):
    path = old_file(tmp_path / "x.pth", b"\x80\x02" + b"N" * 1_000_500)

    refused(path, "far too many instructions")


@pytest.mark.parametrize("is_new", [True, False])
def test_storages_that_the_file_does_not_have_are_refused(tmp_path, monkeypatch, is_new):
    path = tmp_path / "x.pth"
    torch.save({"conv": torch.ones(12)}, path, _use_new_zipfile_serialization=is_new)
    # The number of values, as a one-byte integer, becomes 10 GB worth of them.
    content = path.read_bytes()
    claimed = b"J" + struct.pack("<i", HUGE // 2)
    if is_new:
        with zipfile.ZipFile(path) as archive:
            members = {name: archive.read(name) for name in archive.namelist()}
        name = next(name for name in members if name.endswith("data.pkl"))
        members[name] = members[name].replace(b"K\x0ctq", claimed + b"tq")
        with zipfile.ZipFile(path, "w") as archive:
            for name, member in members.items():
                archive.writestr(name, member)
    else:
        assert b"K\x0cNtq" in content
        path.write_bytes(content.replace(b"K\x0cNtq", claimed + b"Ntq"))

    refused(path, "it declares")


def test_a_compressed_torch_archive_is_refused(tmp_path):
    path = tmp_path / "x.pth"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x/data.pkl", pickle.dumps({}, 2))
        archive.writestr("x/data/0", bytes(50_000_000))

    refused(path, "is compressed, which torch never does")


def test_a_tensor_that_repeats_one_number_for_ten_gigabytes_is_refused(tmp_path):
    path = tmp_path / "x.pth"
    huge = torch.ones(1).expand(HUGE // 147, 3, 7, 7)
    torch.save({"enc1.main.1.weight": huge}, path)

    refused(path, "its tensors would take more than")


def test_a_zip_bomb_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("photoenhance.zoo.contents.MOST_INDEX_BYTES", 1 << 20)
    path = tmp_path / "x.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.index", bytes(10_000_000))
        archive.writestr("a.data-00000-of-00001", b"")

    refused(path, "unpacks to more than")


def test_a_zip_that_lies_about_a_members_size_is_refused(tmp_path):
    path = tmp_path / "x.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.index", bytes(10_000_000))
        archive.writestr("a.data-00000-of-00001", b"")
    lie = struct.pack("<I", 10_000_000)
    path.write_bytes(path.read_bytes().replace(lie, struct.pack("<I", 100)))

    refused(path)


@pytest.mark.parametrize(
    "name", ["../x.index", "/etc/x.index", "a/../../x.index", "C:\\x.index", "a\\..\\..\\x.index"]
)
def test_a_zip_whose_names_lead_out_is_refused(tmp_path, name):
    path = tmp_path / "x.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(name, b"")

    refused(path, "leads out of its folder")

    assert [file.name for file in tmp_path.iterdir()] == ["x.zip"]


def test_a_zip_with_very_many_members_is_refused(tmp_path):
    path = tmp_path / "x.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(20_001):
            archive.writestr(str(number), b"")

    refused(path, "20001 members")


def test_a_truncated_zip_is_refused(tmp_path, state):
    path = tmp_path / "x.pth"
    torch.save(state, path)
    path.write_bytes(path.read_bytes()[:-1000])

    refused(path, "it is a damaged archive")


def test_a_truncated_old_file_is_refused(tmp_path, state):
    path = tmp_path / "x.pth"
    torch.save(state, path, _use_new_zipfile_serialization=False)
    path.write_bytes(path.read_bytes()[:-1000])

    refused(path, "it declares")


def test_truncated_safetensors_are_refused(tmp_path, state):
    path = tmp_path / "x.safetensors"
    checkpoint.write(path, state, checkpoint.Header("uegan", {"width": 8}, "a test"))
    path.write_bytes(path.read_bytes()[:-1000])

    refused(path, "it is damaged")


@pytest.mark.parametrize("length", [10**9 + 5, 2**62, 5000])
def test_safetensors_with_a_header_longer_than_the_file_are_refused(tmp_path, length):
    path = tmp_path / "x.safetensors"
    path.write_bytes(struct.pack("<Q", length) + b'{"a":{}}')

    refused(path)


def test_safetensors_that_declare_ten_gigabytes_are_refused(tmp_path):
    path = tmp_path / "x.safetensors"
    tensor = f'{{"a":{{"dtype":"F32","shape":[{HUGE}],"data_offsets":[0,{4 * HUGE}]}}}}'
    path.write_bytes(struct.pack("<Q", len(tensor)) + tensor.encode())

    refused(path, "it is damaged")


@pytest.mark.parametrize("width", [10**9, 4096, -1, 0])
def test_a_header_that_lies_about_the_network_is_refused(tmp_path, state, width):
    path = tmp_path / "x.safetensors"
    checkpoint.write(path, state, checkpoint.Header("uegan", {"width": width}, "a test"))

    refused(path, "does not fit the architecture 'uegan'")


def test_a_file_of_ten_gigabytes_is_refused_unread(tmp_path):
    path = tmp_path / "x.safetensors"
    with path.open("wb") as file:
        file.truncate(10 * 1000**3)

    refused(path, "larger than")


def test_numbers_that_are_not_finite_are_refused(tmp_path, state):
    path = tmp_path / "x.pth"
    state["dec4.main.1.bias"][0] = torch.nan
    torch.save(state, path)

    refused(path, "dec4.main.1.bias holds numbers that are not finite")


@pytest.mark.parametrize(
    "content",
    [
        b"\x08\x07:\xff\xff\xff\xff\x7fabc",
        b"\x08\x07:\x08*\x06\x08\xff\xff\xff\xff\x7f",
        b"\x08\x07",
        b"\x08\x07" * 2000,
        b"\x3a\xa8\x46" + b"\x0a\x00" * 4500,
        b"",
        bytes(1000),
        zlib.compress(bytes(10)),
    ],
)
def test_an_onnx_file_that_is_none_is_refused(tmp_path, content):
    path = tmp_path / "x.onnx"
    path.write_bytes(content)

    refused(path)


def test_an_onnx_tensor_without_its_bytes_is_refused(tmp_path):
    dims = b"\x08" + varint(HUGE)
    tensor = dims + b"\x10\x01" + b"\x42\x01a"
    graph = b"\x2a" + varint(len(tensor)) + tensor
    path = tmp_path / "x.onnx"
    path.write_bytes(b"\x3a" + varint(len(graph)) + graph)

    refused(path, "'a' has 0 bytes")


def varint(value):
    content = b""
    while value > 127:
        content += bytes([value & 127 | 128])
        value >>= 7
    return content + bytes([value])


@pytest.fixture
def bundle_files(tmp_path, shared):
    source = shared / "golden" / "dpe" / "tiny" / "tf_ckpt"
    for file in source.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    return tmp_path / "90.000-new.ckpt.index", tmp_path / "90.000-new.ckpt.data-00000-of-00001"


def test_a_changed_byte_in_a_tensorflow_tensor_is_named(bundle_files):
    index, data = bundle_files
    content = bytearray(data.read_bytes())
    content[30_000] ^= 1
    data.write_bytes(content)

    refused(index, "is damaged: its checksum is wrong", "netG-999")


def test_truncated_tensorflow_data_are_refused(bundle_files):
    index, data = bundle_files
    data.write_bytes(data.read_bytes()[:1000])

    refused(index, "lies outside the data")


def test_a_changed_byte_in_a_tensorflow_index_is_refused(bundle_files):
    index, _ = bundle_files
    content = bytearray(index.read_bytes())
    content[100] ^= 1
    index.write_bytes(content)

    refused(index, "its index is damaged")


def test_garbage_anywhere_in_a_known_file_is_harmless_or_a_clear_error(
    tmp_path, bundle_files, state
):
    stream = io.BytesIO()
    torch.save(state, stream)
    files = {"x.pth": stream.getvalue(), bundle_files[0].name: bundle_files[0].read_bytes()}
    for name, content in files.items():
        for place in range(0, len(content), max(len(content) // 15, 1)):
            changed = bytearray(content)
            changed[place] ^= 0xFF
            (tmp_path / name).write_bytes(changed)

            with suppress(WeightsError):  # and nothing else
                convert(tmp_path / name)


@pytest.mark.slow
def test_a_hostile_file_costs_little_memory_from_the_start(tmp_path):
    path = tmp_path / "x.safetensors"
    state = {"enc1.main.1.weight": torch.ones(4, 3, 7, 7)}
    checkpoint.write(path, state, checkpoint.Header("uegan", {"width": 40_000}, "a test"))
    limited = (
        "import resource; from photoenhance.zoo.load import load_generator\n"
        "resource.setrlimit(resource.RLIMIT_DATA, (2 << 30, 2 << 30))\n"
        "from photoenhance.errors import WeightsError\n"
        "try: load_generator(__import__('sys').argv[1])\n"
        "except WeightsError as error: print(error.message)"
    )

    ended = subprocess.run(
        [sys.executable, "-c", limited, path], capture_output=True, text=True, check=False
    )

    assert "does not fit the architecture 'uegan'" in ended.stdout
