"""Unpaired folders -> batches, each a function of the seed and the step alone."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from photoenhance.errors import ConfigError, ImageError
from photoenhance.imaging import read_srgb
from photoenhance.training.degradation import Degradation

logger = logging.getLogger(__name__)
