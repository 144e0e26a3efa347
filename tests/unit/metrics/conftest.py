import warnings
from importlib import import_module

import numpy as np
import pytest
from skimage import data


@pytest.fixture(scope="session")
def torchmetrics():
    """An independent implementation, where it can be imported: it brings torchvision with it."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return import_module("torchmetrics.functional.image")
    except (ImportError, RuntimeError) as error:
        pytest.skip(f"torchmetrics cannot be imported: {error}")


@pytest.fixture(scope="session")
def photo():
    """A sample photo of scikit-image, `(256, 272, 3)` in [0, 1]."""
    return data.astronaut()[:256, 100:372] / 255


@pytest.fixture(scope="session")
def worse(photo):
    """The same photo darker, flatter, tinted and noisy."""
    noise = np.random.default_rng(3).normal(0, 0.04, photo.shape)
    return (photo * [0.7, 0.75, 0.8] + 0.05 + noise).clip(0, 1)
