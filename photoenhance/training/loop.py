"""The training loop; reads top to bottom."""

import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from photoenhance.errors import TrainingError
from photoenhance.training import outputs, setup, state
from photoenhance.training.batches import Batch, Batches
from photoenhance.training.config import TrainConfig
from photoenhance.training.distributed import Processes, joined
from photoenhance.training.ema import ExponentialMovingAverage
from photoenhance.training.events import Ended, Event, Progress, Resumed, Started, StateSaved
from photoenhance.training.outputs import Outputs
from photoenhance.training.players import keep_statistics
from photoenhance.training.watch import Watch

AGREE_EVERY = 10  # steps after which several processes ask each other whether to stop


@dataclass(frozen=True, slots=True)
class Run:
    """Where a run finds its photos, and where and how it works.

    Attributes:
        target: folder of photos with the wanted look.
        source: folder of photos to improve, or None: every source is made of a target.
        output: the run's folder, for checkpoints, states and samples.
        perceptual: a VGG's file for the fidelity loss, or None for the best at hand.
        pairs: folder that holds `input` and `reference`, to judge by; or None.
        start: a model to begin with, or None to begin from nothing.
        device: where to compute.
        precision: "bf16" computes the networks in bfloat16, and keeps weights in float32.
        cache_bytes: how much decoded photos may take in memory.
        workers: threads that prepare batches.
        log_every: steps between progress events.
        save_every: steps between states, each with a grid of samples.
        keep: states that are kept.
        override: go on with a run although its settings have changed.
        interrupted: asked after each step; a true answer saves everything and ends the run.
    """

    target: Path
    source: Path | None
    output: Path
    perceptual: Path | None
    start: str | None
    device: torch.device
    precision: Literal["fp32", "bf16"]
    pairs: Path | None = None
    cache_bytes: int = 2 << 30
    workers: int = 1
    log_every: int = 20
    save_every: int = 500
    keep: int = 2
    override: bool = False
    interrupted: Callable[[], bool] = lambda: False


def train(config: TrainConfig, run: Run) -> Iterator[Event]:
    """Train a generator; what is given out is the running average of its weights.

    Goes on with the run that the output folder holds, if it holds one. However it ends, the folder
    holds what was good.

    Raises:
        ConfigError: the folders or files cannot be used.
        TrainingError: the run has diverged, or the one in the folder had other settings.
    """
    with joined(run.device) as processes:
        yield from _Trainer(config, run, processes).run()


class _Trainer:
    """The parts of one run, in one process."""

    def __init__(self, config: TrainConfig, run: Run, processes: Processes) -> None:
        self.config, self.place, self.processes = config, run, processes
        self.photos = setup.find_photos(config, run)
        look, photos = setup.find_look(config, self.photos), self.photos
        self.batches = Batches(photos.target, photos.source, config, processes, look)
        self.objective, self.features = setup.build_objective(config, run, processes)
        self.average = ExponentialMovingAverage(self.objective.enhancer, config.average)
        samples = self.batches.at(0).to(run.device)
        validator = None
        if processes.is_first:
            validator = setup.build_validator(config, run, photos, look)
        outputs.make(run.output)
        self.outputs = Outputs(config, run.output, self.average.module, samples, validator)
        self.watch, self.meter = Watch(), _Meter(processes)

    def run(self) -> Iterator[Event]:
        """Go on from the last state to the end."""
        photos, place = self.photos, self.place
        yield Started(
            targets=len(photos.target.paths),
            sources=None if photos.source is None else len(photos.source.paths),
            held=len(photos.held_target.paths) + len(photos.held_source.paths),
            features=self.features,
            device=str(place.device),
            precision=place.precision,
            processes=self.processes.count,
        )
        done = self._restore()
        if done:
            yield Resumed(done, state.path_of(place.output, done))
        try:
            yield from self._steps(done)
        finally:
            # Whatever ended it, the average is that of whole steps.
            if self.average.updates and self.processes.is_first:
                self.outputs.save(self.average.updates)

    def _steps(self, done: int) -> Iterator[Event]:
        place, step, reason = self.place, done, "done"
        for step, batch in prepared(self._draw, done, self.config.steps, place.workers):
            rate, terms = self._step(step, batch.to(place.device))
            self.watch.look(terms)
            self.meter.add(terms)
            if step % place.log_every == 0 or step == self.config.steps:
                yield self.meter.progress(step, rate)
            if self._is_interrupted(step):
                reason = "interrupted"
            yield from self._judged(step)
            if reason == "done" and self._has_settled(step):
                reason = "settled"
            if step % place.save_every == 0 or step == self.config.steps or reason != "done":
                yield from self._saved(step)
            if reason != "done":
                break
        yield Ended(step, reason, self.outputs.best_step or step)

    def _draw(self, step: int) -> Batch:
        batch = self.batches.at(step)
        return batch.pinned() if self.place.device.type == "cuda" else batch

    def _step(self, step: int, batch: Batch) -> tuple[float, dict[str, Tensor]]:
        """Let each player move once; return the learning rate and all terms."""
        rates = {
            name: player.set_rate(step, self.config.steps)
            for name, player in self.objective.players().items()
        }
        if step > self.config.batch_norms * self.config.steps:
            keep_statistics(self.objective.enhancer)
        seeds = np.random.SeedSequence((self.config.seed, step, self.processes.rank))
        random = torch.Generator().manual_seed(int(seeds.generate_state(1)[0]))
        turns = self.objective.turns(batch, step, random)
        terms: dict[str, Tensor] = {}
        while True:
            with self._arithmetic():
                turn = next(turns, None)
            if turn is None:
                break
            turn.player.update(turn.terms)
            terms |= {name: term.detach() for name, term in turn.terms.items()}
        self.average.update(self.objective.enhancer)
        return next(iter(rates.values())), terms

    def _arithmetic(self) -> AbstractContextManager[None]:
        enabled = self.place.precision == "bf16"
        return torch.autocast(self.place.device.type, torch.bfloat16, enabled=enabled)

    def _is_interrupted(self, step: int) -> bool:
        if self.processes.count == 1:
            return self.place.interrupted()
        return step % AGREE_EVERY == 0 and self.processes.agree(wish=self.place.interrupted())

    def _is_due(self, step: int) -> bool:
        every = self.config.validation.every
        return every > 0 and (step % every == 0 or step == self.config.steps)

    def _has_settled(self, step: int) -> bool:
        return self._is_due(step) and self.processes.agree(wish=self.outputs.has_settled)

    def _judged(self, step: int) -> Iterator[Event]:
        if self._is_due(step) and self.processes.is_first:
            judged = self.outputs.validate(step)
            if judged is not None:
                yield judged

    def _saved(self, step: int) -> Iterator[Event]:
        memories = {name: part.state_dict() for name, part in self.objective.memory().items()}
        memories_of_all = self.processes.collected(memories)
        if not self.processes.is_first:
            return
        yield self.outputs.sample(step)
        saved = self.outputs.save(step)
        if saved is not None:
            yield saved
        now = state.State(
            step=step,
            settings=self.config.model_dump(mode="json"),
            photos=self.photos.fingerprint,
            processes=self.processes.count,
            parts={name: part.state_dict() for name, part in self._parts().items()},
            memories=memories_of_all,
        )
        yield StateSaved(step, state.write(self.place.output, now, keep=self.place.keep))

    def _parts(self) -> dict[str, state.Stateful]:
        return {**self.objective.players(), "average": self.average, "outputs": self.outputs}

    def _restore(self) -> int:
        """Take on the newest state of the folder; return its step, or 0."""
        path = state.latest(self.place.output)
        if path is None:
            return 0
        before = state.read(path)
        self._check(path, before)
        for name, part in self._parts().items():
            part.load_state_dict(before.parts[name])
        for name, part in self.objective.memory().items():
            part.load_state_dict(before.memories[self.processes.rank][name])
        return before.step

    def _check(self, path: Path, before: state.State) -> None:
        if before.processes != self.processes.count:
            raise TrainingError(
                f"{path}: made by {before.processes} processes, now there are "
                f"{self.processes.count}",
                hint="Resume with as many processes as before.",
            )
        changed = state.differences(before.settings, self.config.model_dump(mode="json"))
        if before.photos != self.photos.fingerprint:
            changed.append("photos: other files than before")
        if changed and not self.place.override:
            raise TrainingError(
                f"{path}: the run had other settings: {'; '.join(changed)}",
                hint="Give the same options, or --override to go on with the new ones, or another "
                "--output for a new run.",
            )


def prepared(
    draw: Callable[[int], Batch], done: int, steps: int, workers: int
) -> Iterator[tuple[int, Batch]]:
    """Yield every step after those done, with its batch, prepared by threads ahead of time."""
    with ThreadPoolExecutor(max_workers=workers) as pool:
        ahead: deque[Future[Batch]] = deque()
        try:
            for step in range(done + 1, steps + 1):
                while len(ahead) <= workers and step + len(ahead) <= steps:
                    ahead.append(pool.submit(draw, step + len(ahead)))
                yield step, ahead.popleft().result()
        finally:
            for future in ahead:
                future.cancel()


class _Meter:
    """Averages of the loss terms and of the time since the last look."""

    def __init__(self, processes: Processes) -> None:
        self._processes = processes
        self._begin()

    def _begin(self) -> None:
        self._sums: dict[str, float] = {}
        self._counts: dict[str, int] = {}
        self._steps = 0
        self._since = time.monotonic()

    def add(self, terms: Mapping[str, Tensor]) -> None:
        """Count the terms of one step."""
        self._steps += 1
        for name, term in terms.items():
            value = float(self._processes.mean(term))
            self._sums[name] = self._sums.get(name, 0.0) + value
            self._counts[name] = self._counts.get(name, 0) + 1

    def progress(self, step: int, rate: float) -> Progress:
        """Return the averages and begin anew."""
        seconds = (time.monotonic() - self._since) / self._steps
        means = {name: total / self._counts[name] for name, total in self._sums.items()}
        self._begin()
        return Progress(step, means, rate, seconds)
