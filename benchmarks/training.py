"""Compare our training with a loop of the published structure: `python -m benchmarks.training`.

Both train UEGAN with the same losses, in features of the same network (VGG-19's shape, random
weights), on the same photos, at the width, crop and batch of our recipe `photo`. They take turns in
one process, some steps each, so that whatever else the machine does meets both. Seconds are the
clock's; CPU seconds, of all threads, tell more where the machine is busy.
"""

import argparse
import json
import statistics
import time
from collections.abc import Generator
from pathlib import Path
from tempfile import TemporaryDirectory

import cv2
import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from benchmarks.plainloop import plain_steps
from photoenhance.networks.vgg import BLOCKS, CHANNELS, truncated_vgg
from photoenhance.training import config, precisions
from photoenhance.training.config import TrainConfig
from photoenhance.training.events import Progress
from photoenhance.training.loop import Run, train

CPU = torch.device("cpu")
ENDLESS = 1_000_000
PHOTOS, SIZE = 24, (512, 768)  # the papers' photos have 512 pixels on their short side


def main() -> None:
    """Measure and print ratios of medians."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.training", description=__doc__)
    parser.add_argument("--width", type=int, default=16)
    parser.add_argument("--crop", type=int, default=128)
    parser.add_argument("--batch", type=int, default=6)
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--block", type=int, default=3, help="steps in a turn")
    parser.add_argument("--json", type=Path, help="write all measurements here")
    options = parser.parse_args()

    sizes = {"width": options.width, "crop": options.crop, "batch": options.batch}
    unwatched = ["validation.every=0"]
    settings = config.load("uegan", {**sizes, "steps": ENDLESS}, unwatched)
    with TemporaryDirectory() as name:
        folder = Path(name)
        cases = prepared(settings, folder)
        found = measured(cases, options.rounds, options.block)
        for steps in cases.values():
            steps.close()
    rows = summarised(found, sizes)
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")


def prepared(settings: TrainConfig, folder: Path) -> dict[str, Generator[None, None, None]]:
    """Make photos and the VGG, and begin all loops."""
    sides = [folder / "target", folder / "source"]
    targets, sources = (drawn(side, seed) for seed, side in enumerate(sides))
    vgg = folder / "vgg.safetensors"
    save_file(random_vgg(), vgg)
    features = truncated_vgg(load_file(vgg), settings.losses.fidelity_layers)
    fast = precisions.best(CPU)
    run = {
        precision: Run(*sides, folder / precision, vgg, CPU, precision, log_every=1,
                       save_every=ENDLESS)
        for precision in dict.fromkeys(("fp32", fast))
    }  # fmt: skip
    ours = {f"ours in {precision}": our_steps(settings, each) for precision, each in run.items()}
    return {"plain": plain_steps(settings, features, targets, sources), **ours}


def our_steps(settings: TrainConfig, run: Run) -> Generator[None, None, None]:
    """Yield after every step of ours."""
    for event in train(settings, run):
        if isinstance(event, Progress):
            yield


def drawn(folder: Path, seed: int) -> list[Path]:
    """Draw photos with soft forms and grain, as JPEG."""
    folder.mkdir()
    random = np.random.default_rng(seed)
    paths = [folder / f"{number:03}.jpg" for number in range(PHOTOS)]
    for path in paths:
        blobs = cv2.resize(
            random.uniform(20, 235, (8, 12, 3)), SIZE[::-1], interpolation=cv2.INTER_CUBIC
        )
        grain = random.normal(0, 6, (*SIZE, 3))
        cv2.imwrite(str(path), (blobs + grain).clip(0, 255).astype(np.uint8))
    return paths


def random_vgg() -> dict[str, Tensor]:
    """Return the tensors of a VGG-19 up to conv5_1, which cost what trained ones cost."""
    torch.manual_seed(0)
    tensors = {
        "preprocess.weight": torch.eye(3)[:, :, None, None],
        "preprocess.bias": torch.zeros(3),
    }
    inputs = 3
    for block, (count, channels) in enumerate(zip(BLOCKS["vgg19"], CHANNELS, strict=True), 1):
        for number in range(1, (1 if block == 5 else count) + 1):
            weight = torch.empty(channels, inputs, 3, 3)
            nn.init.kaiming_normal_(weight)
            tensors[f"conv{block}_{number}.weight"] = weight
            tensors[f"conv{block}_{number}.bias"] = torch.zeros(channels)
            inputs = channels
    return tensors


def measured(
    cases: dict[str, Generator[None, None, None]], rounds: int, block: int
) -> dict[str, list[tuple[float, float]]]:
    """Let the cases take turns; return seconds and CPU seconds of each step."""
    for steps in cases.values():
        next(steps)
    found: dict[str, list[tuple[float, float]]] = {case: [] for case in cases}
    for _ in range(rounds):
        for case, steps in cases.items():
            for _ in range(block):
                start, worked = time.perf_counter(), time.process_time()
                next(steps)
                seconds = time.perf_counter() - start
                found[case].append((seconds, time.process_time() - worked))
    return found


def summarised(
    found: dict[str, list[tuple[float, float]]], sizes: dict[str, int]
) -> list[dict[str, object]]:
    """Print one line a case, with its ratios to the first one."""
    rows: list[dict[str, object]] = []
    base = None
    for case, steps in found.items():
        seconds, worked = (statistics.median(each) for each in zip(*steps, strict=True))
        base = base or (seconds, worked)
        row = {
            "case": case,
            **sizes,
            "threads": torch.get_num_threads(),
            "steps": len(steps),
            "seconds": seconds,
            "cpu_seconds": worked,
            "steps_per_second": 1 / seconds,
            "speed_ratio": base[0] / seconds,
            "cpu_ratio": base[1] / worked,
        }
        rows.append(row)
        print(
            f"{case:13s} {seconds:6.2f} s a step, {row['speed_ratio']:5.2f} x plain; "
            f"{worked:6.2f} CPU s, {row['cpu_ratio']:5.2f} x plain",
            flush=True,
        )
    return rows


if __name__ == "__main__":
    main()
