"""Make the README's picture of a report: `python docs/report.py`; needs Chromium and selenium."""

import shutil
import subprocess
import sys
import tempfile
import time
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image
from selenium import webdriver
from skimage import data

SAMPLES = {"coffee": data.coffee, "rocket": data.rocket, "cat": data.chelsea}
WINDOW = {"width": 1280, "height": 1000, "deviceScaleFactor": 1, "mobile": False}


def main() -> None:
    """Dull sample photos, enhance them with a report, and take a picture of that in Chromium."""
    with tempfile.TemporaryDirectory() as folder:
        photos = Path(folder, "Samples")
        photos.mkdir()
        for name, load in SAMPLES.items():
            light = ((load() / 255) ** 2.2 / 2) ** (1 / 2.2)  # one stop less
            flat = (light - light.mean()) * 0.85 + light.mean()
            dull = (flat.clip(0, 1) * 255).round().astype(np.uint8)
            Image.fromarray(dull).save(photos / f"{name}.jpg", quality=95)
        page = Path(folder, "report.html")
        command = [sys.executable, "-m", "photoenhance", "enhance", str(photos), "--report"]
        subprocess.run([*command, str(page)], check=True)
        shot = _shot(page)
    shot.convert("RGB").save(Path(__file__).with_name("report.jpg"), quality=85)


def _shot(page: Path) -> Image.Image:
    options = webdriver.ChromeOptions()
    for flag in ("headless=new", "no-sandbox", "hide-scrollbars"):
        options.add_argument(f"--{flag}")
    # Named, or selenium asks the network for one.
    service = webdriver.ChromeService(shutil.which("chromedriver"))
    with webdriver.Chrome(options=options, service=service) as browser:
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", WINDOW)
        browser.get(page.as_uri())
        time.sleep(2)  # pictures fade in
        return Image.open(BytesIO(browser.get_screenshot_as_png()))


if __name__ == "__main__":
    main()
