"""The real command line, in this process and in others."""

import io
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from photoenhance.cli.app import main
from photoenhance.networks import ARCHITECTURES
from photoenhance.zoo import checkpoint
from photoenhance.zoo.checkpoint import Header

REPOSITORY = Path(__file__).parents[2]


@dataclass
class Ended:
    code: int
    out: str
    err: str
    data: bytes


@pytest.fixture(scope="session")
def model(tmp_path_factory):
    """A seeded, tiny stand-in for the bundled model."""
    torch.manual_seed(0)
    architecture = ARCHITECTURES["uegan"]
    generator = architecture.generator(architecture.config(width=8))
    file = tmp_path_factory.mktemp("model") / "tiny.safetensors"
    header = Header("uegan", {"width": 8}, "a test")
    checkpoint.write(file, generator.state_dict(), header)
    return file


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch, model):
    """An empty working folder, a home of its own, and the tiny model as the default."""
    for name in [name for name in os.environ if name.startswith("PHOTOENHANCE_")]:
        monkeypatch.delenv(name)
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    monkeypatch.setenv("PHOTOENHANCE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PHOTOENHANCE_MODEL", str(model))
    monkeypatch.setenv("PYTHONPATH", str(REPOSITORY))
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "200")
    return tmp_path / "home"


@pytest.fixture
def cli(monkeypatch, capfdbinary):
    """Call the real main; what it gives is the exit code, stdout and stderr."""

    def call(*args, stdin=b""):
        monkeypatch.setattr(sys, "argv", ["photoenhance", *map(str, args)])
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        capfdbinary.readouterr()
        code = main()
        out, err = capfdbinary.readouterr()
        return Ended(code, out.decode("utf-8", "replace"), err.decode(), out)

    return call


@pytest.fixture
def spawn():
    """Run the command in a process of its own."""

    def call(*args, **options):
        command = [sys.executable, "-m", "photoenhance", *map(os.fspath, args)]
        return subprocess.run(command, capture_output=True, timeout=120, check=False, **options)

    return call


@pytest.fixture
def draw():
    """Make small photos: `draw("a.jpg", "b.png")`."""

    def make(*names, size=(24, 32)):
        for number, name in enumerate(names):
            path = Path(name)
            path.parent.mkdir(parents=True, exist_ok=True)
            rng = np.random.default_rng(number)
            rows = np.linspace(40, 200, size[0])[:, None, None]
            noise = rng.integers(-20, 20, (*size, 3))
            pixels = np.clip(rows + noise, 0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(path)

    return make
