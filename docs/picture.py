"""Make the picture of the README: `python docs/picture.py`, which needs scikit-image."""

import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image
from skimage import data

GAP = 8


def main() -> None:
    """Dull a sample photo, enhance it by the command line, and set both side by side."""
    light = (data.coffee() / 255) ** 2.2 / 2  # one stop less
    dull = light ** (1 / 2.2)
    dull = (dull - dull.mean()) * 0.85 + dull.mean()
    before = (dull.clip(0, 1) * 255).round().astype(np.uint8)
    with tempfile.TemporaryDirectory() as folder:
        source, result = Path(folder, "before.png"), Path(folder, "after.png")
        Image.fromarray(before).save(source)
        command = [sys.executable, "-m", "photoenhance", "enhance", str(source), "-o", str(result)]
        subprocess.run(command, check=True)
        with Image.open(result) as image:
            after = np.asarray(image)
    gap = np.full((len(before), GAP, 3), 255, np.uint8)
    picture = Path(__file__).with_name("before-after.jpg")
    Image.fromarray(np.hstack([before, gap, after])).save(picture, quality=88)


if __name__ == "__main__":
    main()
