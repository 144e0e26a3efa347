"""A training loop with the structure of UEGAN's published code, as what to compare with.

Source: what Ni et al.'s code does in a step, told in the order in which it does it: float32,
contiguous memory, photos decoded anew for every sample by a worker beside the loop, networks
called as often as there, gradients of the discriminator also worked out where they are thrown away.
"""

import random
from collections import deque
from collections.abc import Generator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from benchmarks.plain import PlainUEGAN
from photoenhance.losses.adversarial import RelativisticHinge
from photoenhance.losses.fidelity import multiscale_l1
from photoenhance.losses.perceptual import FidelityLoss
from photoenhance.networks.uegan import UEGANConfig, UEGANDiscriminator
from photoenhance.training.config import TrainConfig
from photoenhance.training.pool import ImagePool


@dataclass(frozen=True, slots=True)
class Samples:
    """Photos that are decoded, cropped and turned whenever they are asked for."""

    paths: list[Path]
    crop: int

    def batch(self, step: int, size: int) -> Tensor:
        """Return `(size, 3, crop, crop)` in [0, 1], contiguous."""
        places = [(step * size + index) % len(self.paths) for index in range(size)]
        return torch.stack([self._sample(self.paths[place]) for place in places])

    def _sample(self, path: Path) -> Tensor:
        photo = Image.open(path).convert("RGB")
        window = 2 * self.crop
        left = random.randint(0, photo.width - window)
        top = random.randint(0, photo.height - window)
        photo = photo.crop((left, top, left + window, top + window))
        photo = photo.resize((self.crop, self.crop), Image.Resampling.BILINEAR)
        for turn in (Image.Transpose.FLIP_LEFT_RIGHT, Image.Transpose.FLIP_TOP_BOTTOM):
            photo = photo.transpose(turn) if random.random() < 0.5 else photo
        return torch.from_numpy(np.array(photo)).permute(2, 0, 1).contiguous().float() / 255


class PlainLoop:
    """The networks and what a step does with them."""

    def __init__(self, config: TrainConfig, features: nn.Module) -> None:
        shape, rates = UEGANConfig(config.width), config.optimiser
        self.config = config
        self.generator, self.judge = PlainUEGAN(shape), UEGANDiscriminator(shape)
        self.generator.initialise(gain=config.gain, last=config.last)
        self.judge.initialise(gain=config.gain)
        self.adam = {
            network: torch.optim.Adam(
                network.parameters(), lr=rate, betas=rates.betas, weight_decay=rates.weight_decay
            )
            for network, rate in (
                (self.generator, rates.generator_rate),
                (self.judge, rates.discriminator_rate),
            )
        }
        self.adversarial, self.fidelity = RelativisticHinge(), FidelityLoss(features)
        self.pool, self.random = (
            ImagePool(config.pool, torch.device("cpu")),
            torch.Generator().manual_seed(0),
        )

    def step(self, raw: Tensor, good: Tensor) -> None:
        """Let the discriminator learn, then the generator."""
        fake = self.generator(raw)
        pooled = self.pool.query(fake, self.random)
        real, old, plain = self.judge(good), self.judge(pooled.detach()), self.judge(raw)
        loss = self._over_scales(real, old) + self._over_scales(real, plain)
        self._learn(self.judge, loss)
        weights = self.config.losses
        real, new = self.judge(good), self.judge(fake)
        loss = weights.adversarial * self._over_scales(new, real)
        loss = loss + weights.fidelity * self.fidelity(fake, raw)
        loss = loss + weights.identity * multiscale_l1(self.generator(good), good)
        self._learn(self.generator, loss)

    def _over_scales(self, real: list[Tensor], fake: list[Tensor]) -> Tensor:
        pairs = zip(real, fake, strict=True)
        return torch.stack([self.adversarial.discriminator(r, f) for r, f in pairs]).sum()

    def _learn(self, network: nn.Module, loss: Tensor) -> None:
        self.adam[network].zero_grad()
        loss.backward()
        self.adam[network].step()
        loss.item()  # as the published loop logs every loss in every step


def plain_steps(
    config: TrainConfig, features: nn.Module, targets: list[Path], sources: list[Path]
) -> Generator[None, None, None]:
    """Yield after every step, without end."""
    loop = PlainLoop(config, features)
    raw, good = Samples(sources, config.crop), Samples(targets, config.crop)
    with ThreadPoolExecutor(1) as worker:
        ahead: deque[tuple[Future[Tensor], Future[Tensor]]] = deque()
        step = 0
        while True:
            while len(ahead) < 2:
                asked = [worker.submit(each.batch, step, config.batch) for each in (raw, good)]
                ahead.append((asked[0], asked[1]))
                step += 1
            loop.step(*(future.result() for future in ahead.popleft()))
            yield
