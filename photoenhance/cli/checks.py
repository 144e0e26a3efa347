"""Devices, folders, formats, models and results, looked at one by one."""

import os
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from photoenhance.cli import settings
from photoenhance.cli.findings import Finding, failure
from photoenhance.cli.settings import Options
from photoenhance.errors import ConfigError, ExitCode, PhotoEnhanceError
from photoenhance.zoo import store

LITTLE_SPACE = 1 << 30  # bytes; a batch of photos fills that soon


def devices(asked: str) -> Iterator[Finding]:
    """Look at what can compute, and at what would be chosen.

    Args:
        asked: as for `--device`.
    """
    import psutil
    import torch

    from photoenhance.inference.budget import available_bytes

    group = "Devices"
    chosen = _chosen(group, asked)  # first, since it limits the threads
    cpu = torch.device("cpu")
    free, total = available_bytes(cpu) / 2**30, psutil.virtual_memory().total / 2**30
    cores = f"{torch.get_num_threads()} of {os.cpu_count()} cores"
    memory = f"{free:.1f} of {total:.1f} GiB free"
    kind = torch.backends.cpu.get_cpu_capability()
    yield Finding(group, "cpu", "ok", f"{cores}, {kind}, {memory}")
    for number in range(torch.cuda.device_count()):
        properties = torch.cuda.get_device_properties(number)
        free = available_bytes(torch.device("cuda", number)) / 2**30
        memory = f"{free:.1f} of {properties.total_memory / 2**30:.1f} GiB free"
        yield Finding(group, f"cuda:{number}", "ok", f"{properties.name}, {memory}")
    if torch.backends.mps.is_available():
        yield Finding(group, "mps", "ok", "Apple's GPU")
    if torch.cuda.device_count() == 0 and not torch.backends.mps.is_available():
        hint = None if torch.version.cuda else "For one of NVIDIA's, install PyTorch's CUDA build."
        yield Finding(group, "GPU", "missing", "none that this PyTorch can use", hint)
    yield chosen


def folders() -> Iterator[Finding]:
    """Look at where the program keeps its own files; nothing is made there."""
    kinds: tuple[store.FolderKind, ...] = ("config", "cache", "data", "state")
    for kind in kinds:
        try:
            folder = store.folder(kind)
            there = _nearest(folder)
        except ConfigError as error:
            yield replace(failure("Folders", kind, error), exit_code=ExitCode.FAILED)
            continue
        free = shutil.disk_usage(there).free
        if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
            yield Finding(
                "Folders", kind, "failed", f"{folder}: {there} may not be written to",
                "Change its permissions, or set PHOTOENHANCE_HOME to another folder.",
                ExitCode.FAILED,
            )  # fmt: skip
        elif free < LITTLE_SPACE:
            value = f"{folder}, only {free / 2**20:.0f} MiB free"
            yield Finding("Folders", kind, "warning", value, "Free some space.")
        else:
            state = "" if folder.is_dir() else " (not made yet)"
            yield Finding("Folders", kind, "ok", f"{folder}{state}, {free / 2**30:.0f} GiB free")


def settings_files(sections: Mapping[str, Options]) -> Iterator[Finding]:
    """Look at the files of settings, as all commands together read them.

    Args:
        sections: the options of every command.
    """
    group, read = "Settings", settings.files()
    for file in read:
        faults = (
            fault
            for name, options in sections.items()
            for fault in (
                *settings.faults(name, sections, (file,)),
                *settings.wrong_values(name, options, (file,)),
            )
        )
        for message, hint in dict.fromkeys((each.message, each.hint) for each in faults):
            value = message.removeprefix(f"{file.path}: ")
            yield Finding(group, str(file.path), "failed", value, hint, ExitCode.FAILED)
        if file.note:
            yield Finding(group, str(file.path), "warning", file.note)


def formats() -> Iterator[Finding]:
    """Write a tiny photo in every format and read it back."""
    import io

    import numpy as np

    from photoenhance.imaging.formats import FORMATS, readable
    from photoenhance.imaging.photo import Photo
    from photoenhance.imaging.read import read
    from photoenhance.imaging.write import encode

    photo = Photo(np.full((16, 16, 3), 128, np.uint8))
    here = readable()
    for name, known in FORMATS.items():
        suffixes = " ".join(known.suffixes[:4]) + (" ..." if len(known.suffixes) > 4 else "")
        if name not in here:
            hint = f"pip install 'photoenhance[{name}]'"
            yield Finding("Formats", name, "missing", f"not read ({suffixes})", hint)
            continue
        if not known.is_writable:
            yield Finding("Formats", name, "ok", f"read ({suffixes})")
            continue
        try:
            back = read(io.BytesIO(encode(photo, name)))
        except PhotoEnhanceError as error:
            yield failure("Formats", name, error)
            continue
        if back.pixels.shape != photo.pixels.shape or abs(int(back.pixels.mean()) - 128) > 3:
            value = "what was written is not what is read"
            hint = "Install Pillow and OpenCV again."
            yield Finding("Formats", name, "failed", value, hint, ExitCode.FAILED)
        else:
            yield Finding("Formats", name, "ok", f"read and written ({suffixes})")


def models(name: str) -> Iterator[Finding]:
    """Look at the models that are here, above all at the one that will be used.

    Args:
        name: as for `--model`.
    """
    from photoenhance.zoo import inventory

    known = {model.name: model for model in inventory.listed()}
    for each in dict.fromkeys((name, *known)):
        if each in known and known[each].state == "available" and each != name:
            command = f"photoenhance models download {each}"
            yield Finding("Models", each, "missing", "not downloaded", command)
            continue
        try:
            problems = inventory.problems(each)
        except PhotoEnhanceError as error:
            problems, hint = [error.message], error.hint or ""
        else:
            hint = f"Get it again, or choose another with --model: {', '.join(known)}."
        if problems:
            is_used = each == name
            yield Finding(
                "Models", each, "failed" if is_used else "warning", "; ".join(problems), hint,
                ExitCode.WEIGHTS if is_used else ExitCode.OK,
            )  # fmt: skip
        else:
            yield Finding("Models", each, "ok", str(store.find(each)))


def metrics() -> Iterator[Finding]:
    """Look at the files that some metrics of `evaluate` need."""
    from photoenhance.cli.choice import is_kept, kept_file
    from photoenhance.metrics.catalog import METRICS

    for card in METRICS.values():
        if card.file is None:
            continue
        try:
            file = kept_file(card)
        except ConfigError as error:
            value = f"its file has no place, since {error.message}"
            yield Finding("Metrics", card.name, "missing", value, error.hint)
            continue
        if is_kept(card):
            yield Finding("Metrics", card.name, "ok", str(file))
        else:
            hint = f"Keep {card.file.name} there, or name it with {card.file.option}."
            yield Finding(
                "Metrics", card.name, "missing", f"its file is not in {file.parent}", hint
            )


def self_test(model: str, device: str) -> Iterator[Finding]:
    """Enhance a drawn photo and look at the result; takes a few seconds.

    Args:
        model: as for `--model`.
        device: as for `--device`.
    """
    from photoenhance.inference import selftest
    from photoenhance.inference.device import choose
    from photoenhance.zoo.load import load_generator

    group, name = "Self-test", f"{model} on {device}"
    try:
        place = choose(device)
        name = f"{model} on {place}"
        outcome = selftest.examine(load_generator(model).generator, place)
    except PhotoEnhanceError as error:
        yield failure(group, name, error)
        return
    if outcome.faults():
        hint = "Try --device cpu; if that works, update the drivers and PyTorch."
        yield Finding(
            group, name, "failed", "; ".join(outcome.faults()), hint, ExitCode.DEVICE
        )  # fmt: skip
        return
    same = "bit for bit" if outcome.difference == 0 else f"to {outcome.difference} level of 255"
    value = f"{outcome.speed:.2f} MP/s; in tiles as at once, {same}"
    yield Finding(group, name, "ok", value)


def _chosen(group: str, asked: str) -> Finding:
    from photoenhance.inference.device import choose

    try:
        return Finding(group, f"--device {asked}", "ok", f"is {choose(asked)}")
    except PhotoEnhanceError as error:
        return failure(group, f"--device {asked}", error)


def _nearest(folder: Path) -> Path:
    """Return the folder itself or, as long as there is none, the one above."""

    def exists(path: Path) -> bool:
        try:
            return path.exists()
        except PermissionError:  # below a folder of somebody else
            return False

    return next(each for each in (folder, *folder.absolute().parents) if exists(each))
