"""Compare the renderings with the published forward pass: `python -m benchmarks --help`."""

import argparse
import json
import statistics
import subprocess
import sys
from pathlib import Path

CASES = ("plain", "whole", "strips", "tiles")


def main() -> None:
    """Measure every case in turn, again and again, and print ratios of medians."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--megapixels", type=float, nargs="+", default=[1, 4])
    parser.add_argument("--cases", nargs="+", default=list(CASES), choices=[*CASES, "auto"])
    parser.add_argument("--width", type=int, default=32)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--json", type=Path, help="write all measurements here")
    options = parser.parse_args()

    rows = []
    for megapixels in options.megapixels:
        found: dict[str, list[dict[str, float]]] = {case: [] for case in options.cases}
        for _ in range(options.repeats):
            for case in options.cases:
                found[case].append(measured(case, megapixels, options.width))
        rows += summarised(found, options.cases[0])
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")


def measured(case: str, megapixels: float, width: int) -> dict[str, float]:
    """Run one case in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.case", case, str(megapixels), str(width)]
    return json.loads(subprocess.run(command, check=True, capture_output=True).stdout)


def summarised(found: dict[str, list[dict[str, float]]], base: str) -> list[dict[str, float]]:
    """Print one line a case, with its ratio to the first one."""
    rows = []
    for case, results in found.items():
        row = {"case": case, **results[0]}
        for key in ("seconds_per_megapixel", "above_mib", "peak_mib"):
            row[key] = statistics.median(result[key] for result in results)
        first = rows[0] if rows else row
        row["speed_ratio"] = first["seconds_per_megapixel"] / row["seconds_per_megapixel"]
        rows.append(row)
        print(
            f"{row['megapixels']:6.1f} MP  {case:7s} tile {row['tile'] or '-':>5}  "
            f"{row['seconds_per_megapixel']:6.2f} s/MP  {row['speed_ratio']:5.2f} x {base}  "
            f"{row['above_mib']:7.0f} MiB above, {row['peak_mib']:7.0f} MiB in all",
            flush=True,
        )
    return rows


if __name__ == "__main__":
    main()
