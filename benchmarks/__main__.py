"""Compare the renderings with the published forward pass: `python -m benchmarks --help`.

Every measurement has a process of its own. Cases take turns, so that whatever else the machine does
meets all of them; what counts are ratios of medians. CPU seconds, of all threads, tell more than
the clock's where the machine is busy.
"""

import argparse
import json
import statistics
import subprocess
import sys
from pathlib import Path

import psutil

from benchmarks.plot import svg

CASES = ("plain", "whole", "strips", "tiles", "guided", "tone")
WHOLE_BYTES = {"plain": 1300, "whole": 1200, "openvino": 1200}  # of memory a pixel at width 32
GMAC_PER_MEGAPIXEL = 117.9  # of the network at width 32, folded: see `UEGANGenerator.forward`

Row = dict[str, float | str]


def main() -> None:
    """Measure every case in turn, again and again; print ratios of medians."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--megapixels", type=float, nargs="+", default=[1, 4, 12, 24])
    parser.add_argument("--cases", nargs="+", default=CASES, choices=[*CASES, "auto", "openvino"])
    parser.add_argument("--width", type=int, default=32, help="shares of rates hold for 32 only")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--photo", type=Path, help="a JPEG for the way from file to file")
    parser.add_argument("--no-files", action="store_true", help="leave that out")
    parser.add_argument("--json", type=Path, help="write all medians here")
    parser.add_argument("--plot", type=Path, help="draw them here, as SVG")
    options = parser.parse_args()

    rows: list[Row] = []
    for megapixels in options.megapixels:
        rows += compared(megapixels, options.cases, options.width, options.repeats)
    files = []
    if not options.no_files:
        subjects = [options.photo] if options.photo else options.megapixels
        files = [from_file_to_file(s, options.width, options.repeats) for s in subjects]
    if options.json:
        found = {"renderings": rows, "files": files}
        options.json.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    if options.plot:
        options.plot.write_text(svg(rows), encoding="utf-8")


def compared(megapixels: float, cases: list[str], width: int, repeats: int) -> list[Row]:
    """Measure the cases that fit the memory on a photo of one size."""
    fitting = [case for case in cases if _fits(case, megapixels, width)]
    for case in cases:
        if case not in fitting:
            print(f"{megapixels:6.1f} MP  {case:8s} left out: too little memory is free")
    found: dict[str, list[Row]] = {case: [] for case in ("matmul", *fitting)}
    for _ in range(repeats):
        for case, results in found.items():
            results.append(_run("benchmarks.case", case, megapixels, width))
    product = found.pop("matmul")
    return [_summary(case, results, found[fitting[0]], product) for case, results in found.items()]


def from_file_to_file(subject: Path | float, width: int, repeats: int) -> Row:
    """Measure a guided photo from JPEG to JPEG, beside decoding and encoding alone."""
    row = _run("benchmarks.files", subject, width, repeats)
    print(
        f"{row['megapixels']:6.1f} MP  JPEG to JPEG, guided {row['jpeg_seconds']:.2f} s, of which "
        f"network {row['network_seconds']:.2f} s; Pillow alone {row['pillow_seconds']:.2f} s: "
        f"{row['beyond_ratio']:.2f} x ({row['cpu_beyond_ratio']:.2f} CPU) beyond the network; "
        f"{row['above_mib']:.0f} MiB above",
        flush=True,
    )
    return row


def _summary(case: str, results: list[Row], base: list[Row], product: list[Row]) -> Row:
    """Print one line for a case, with its ratios to the first one."""
    keys = ("seconds_per_megapixel", "cpu_seconds_per_megapixel", "above_mib", "peak_mib")
    row: Row = {"case": case, **results[0]}
    for key in keys:
        row[key] = statistics.median(result[key] for result in results)
    for prefix, unit, key in (("", "second", keys[0]), ("cpu_", "cpu_second", keys[1])):
        rate = statistics.median(result[f"gmac_per_{unit}"] for result in product)
        row[f"{prefix}ratio"] = statistics.median(result[key] for result in base) / row[key]
        row[f"gmac_per_{unit}"] = rate
        row[f"{prefix}share_of_matmul"] = GMAC_PER_MEGAPIXEL / row[key] / rate
    print(
        f"{row['megapixels']:6.1f} MP  {case:8s} {row['seconds_per_megapixel']:6.2f} s/MP "
        f"({row['cpu_seconds_per_megapixel']:6.2f} CPU), {row['ratio']:5.2f} x as fast "
        f"({row['cpu_ratio']:5.2f}), {row['share_of_matmul']:4.0%} "
        f"({row['cpu_share_of_matmul']:4.0%}) of a matrix product's rate, "
        f"{row['above_mib']:6.0f} MiB above",
        flush=True,
    )
    return row


def _fits(case: str, megapixels: float, width: int) -> bool:
    needed = WHOLE_BYTES.get(case, 0) * width / 32 * megapixels * 1e6
    return needed < 0.8 * psutil.virtual_memory().available


def _run(module: str, *arguments: object) -> Row:
    """Run one measurement in a process of its own."""
    command = [sys.executable, "-m", module, *map(str, arguments)]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)


if __name__ == "__main__":
    main()
