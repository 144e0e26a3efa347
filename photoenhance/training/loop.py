"""The training loop; reads top to bottom."""

import time
from collections import deque
from collections.abc import Callable, Generator, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from photoenhance.errors import DeviceError, TrainingError
from photoenhance.inference.device import MEMORY_ERRORS, is_out_of_memory
from photoenhance.training import setup, state
from photoenhance.training.batches import Batch, Batches
from photoenhance.training.config import TrainConfig
from photoenhance.training.distributed import Processes
from photoenhance.training.ema import ExponentialMovingAverage
from photoenhance.training.events import (
    Ended,
    Estimated,
    Event,
    Note,
    Progress,
    Resumed,
    Started,
    StateSaved,
    Validated,
)
from photoenhance.training.outputs import Outputs, claimed
from photoenhance.training.players import check_terms, check_weights, keep_statistics
from photoenhance.training.rescue import SLOW, Rescue
from photoenhance.training.watch import Watch

TIMED = 4  # steps from which a run's time is told
TIMED_SECONDS = 15.0  # or fewer, where they have taken this long together


@dataclass(frozen=True, slots=True)
class Run:
    """Where a run finds its photos, and where and how it works.

    Attributes:
        target: folder of photos with the wanted look.
        source: folder of photos to improve, or None: every source is made of a target.
        output: the run's folder, for checkpoints, states and samples.
        perceptual: a VGG's file for the fidelity loss, or None for the best at hand.
        pairs: folder that holds `input` and `reference`, to judge by; or None.
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


def train(config: TrainConfig, run: Run, processes: Processes | None = None) -> Generator[Event]:
    """Train a generator; what is given out is the running average of its weights.

    Goes on with the run that the output folder holds, if it holds one. A run that fails leaves
    everything as it was saved last.

    Args:
        config: the run.
        run: its folders, and how it works.
        processes: those that share the run; None is this one alone.

    Raises:
        ConfigError: the folders or files cannot be used, or another run is at work in the folder.
        TrainingError: the run has diverged, or the one in the folder had other settings.
        DeviceError: the memory does not suffice.
    """
    processes = processes or Processes()
    try:
        with processes.connected(run.device) as device:
            trainer = _Trainer(config, replace(run, device=device), processes)
            with claimed(run.output) if processes.is_first else nullcontext():
                yield from trainer.run()
    except MEMORY_ERRORS as error:
        if not is_out_of_memory(error):
            raise
        sizes = f"batch {config.batch}, crop {config.crop} and width {config.width}"
        raise DeviceError(
            f"device {run.device}: out of memory with {sizes}",
            hint="Take a smaller --batch, --crop or --width, or another --device.",
            options=["batch", "crop", "width"],
        ) from error


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
        self.outputs = Outputs(config, run.output, self.average.module, samples, validator)
        self.watch, self.meter = Watch(run.device), _Meter(processes)

    def run(self) -> Iterator[Event]:
        """Go on from the last state to the end."""
        photos, place = self.photos, self.place
        for text in (*photos.notes, *self.batches.notes()):
            yield Note(text)
        yield Started(
            targets=len(photos.target.paths),
            sources=None if photos.source is None else len(photos.source.paths),
            held=len(photos.held_target.paths) + len(photos.held_source.paths),
            features=self.features,
            device=str(place.device),
            precision=place.precision,
            processes=self.processes.count,
            judged_by=self.outputs.judged_by,
        )
        done, changes = self._restore()
        found = self.processes.collected(done)
        if len(set(found)) > 1:
            raise TrainingError(
                f"{place.output}: the processes find states of different steps: {found}",
                hint="Let all machines share this folder.",
            )
        if done:
            yield Resumed(done, state.path_of(place.output, done), changes)
            if self.processes.is_first:
                check_weights({"average": self.average.module})
                self.outputs.complete(done)
        rescue = Rescue(place.interrupted, self._write_rescued)
        with rescue.watching() if self.processes.is_first else nullcontext():
            yield from self._steps(done, rescue)

    def _steps(self, done: int, rescue: Rescue) -> Iterator[Event]:
        place, steps, pace = self.place, self.config.steps, _Pace(self.config.steps - done)
        step, reason = done, "done"
        began = time.monotonic()
        for step, batch in prepared(self._draw, done, steps, place.workers):
            rate, terms = self._step(step, batch.to(place.device))
            self.watch.look(terms)
            seconds = time.monotonic() - began
            self.meter.add(terms, seconds)
            if pace.add(seconds):
                yield Estimated(pace.seconds, pace.left)
            if step % place.log_every == 0 or step == steps:
                yield self.meter.progress(step, rate)
                self.watch.check()
            judged = self._judged(step)
            if judged is not None:
                yield judged
            interrupted, settled, is_best, is_slow = self.processes.agreed(
                place.interrupted(),
                judged is not None and self.outputs.has_settled,
                judged is not None and judged.is_best,
                seconds > SLOW,
            )
            if interrupted or settled:
                reason = "interrupted" if interrupted else "settled"
                rescue.stand_down()
            if is_best or step % place.save_every == 0 or step == steps or reason != "done":
                yield from self._saved(step)
            if reason != "done":
                break
            if is_slow or self._is_due(step + 1):  # a look takes long, too
                self._check_weights()
                rescue.keep(step, self._encoded_state(step))
            else:
                rescue.forget()
            began = time.monotonic()
        yield Ended(step, reason, self.outputs.best_step or step)

    def _draw(self, step: int) -> Batch:
        batch = self.batches.at(step)
        if self.place.device.type != "cuda":
            return batch
        with torch.cuda.device(self.place.device):  # a thread of its own begins at the first card
            return batch.pinned()

    def _step(self, step: int, batch: Batch) -> tuple[float, dict[str, Tensor]]:
        """Let each player move once; return the learning rate and all terms."""
        rates = {
            name: player.set_rate(step, self.config.steps)
            for name, player in self.objective.players().items()
        }
        if step > self.config.batch_norms * self.config.steps:
            keep_statistics(self.objective.generator.network)
        seeds = np.random.SeedSequence((self.config.seed, step, self.processes.rank))
        drawn, dropped = map(int, seeds.generate_state(2))
        random = torch.Generator().manual_seed(drawn)
        torch.manual_seed(dropped)  # dropout draws from torch's own numbers
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

    def _judged(self, step: int) -> Validated | None:
        is_mine = self._is_due(step) and self.processes.is_first
        return self.outputs.validate(step) if is_mine else None

    def _is_due(self, step: int) -> bool:
        every = self.config.validation.every
        return every > 0 and (step % every == 0 or step == self.config.steps)

    def _saved(self, step: int) -> Iterator[Event]:
        """Write everything, unless the run has gone wrong: then what was saved before stays."""
        content = self._encoded_state(step)
        self.watch.check()
        if not self.processes.is_first:
            return
        self._check_weights()
        yield self.outputs.sample(step)
        # The state comes first: what it calls the best can be written again from it.
        yield StateSaved(step, self._write_state(step, content))
        saved = self.outputs.write(step)
        if saved is not None:
            yield saved

    def _check_weights(self) -> None:
        trained = {name: each.network for name, each in self.objective.players().items()}
        check_weights({"average": self.average.module, **trained})

    def _encoded_state(self, step: int) -> bytes:
        own = {name: part.state_dict() for name, part in self.objective.own_memory().items()}
        own_memories = self.processes.collected(own)
        if not self.processes.is_first:
            return b""
        now = state.State(
            step=step,
            settings=self.config.model_dump(mode="json"),
            photos=self.photos.fingerprint,
            processes=self.processes.count,
            parts={name: part.state_dict() for name, part in self._parts().items()},
            own_memories=own_memories,
        )
        return state.encoded(now)

    def _write_state(self, step: int, content: bytes) -> Path:
        return state.write(self.place.output, step, content, keep=self.place.keep)

    def _write_rescued(self, step: int, content: bytes) -> None:
        self._write_state(step, content)
        self.processes.may_report()  # so that the others end without a word

    def _parts(self) -> dict[str, state.Stateful]:
        ours: dict[str, state.Stateful] = {
            "average": self.average,
            "outputs": self.outputs,
            "watch": self.watch,
        }
        return {**self.objective.players(), **self.objective.memory(), **ours}

    def _restore(self) -> tuple[int, tuple[str, ...]]:
        """Take on the newest state of the folder; return its step, or 0, and what has changed."""
        path = state.latest(self.place.output)
        if path is None:
            return 0, ()
        before = state.read(path)
        changes = self._changes(before)
        if changes and not self.place.override:
            raise TrainingError(
                f"{path}: the run had other settings: {'; '.join(changes)}",
                hint="Give the same options, or --override to go on with the new ones, or another "
                "--output for a new run.",
            )
        try:
            for name, part in self._parts().items():
                part.load_state_dict(before.parts[name])
            if before.processes == self.processes.count:
                for name, part in self.objective.own_memory().items():
                    part.load_state_dict(before.own_memories[self.processes.rank][name])
        except (KeyError, RuntimeError, ValueError) as error:
            if is_out_of_memory(error):
                raise
            raise TrainingError(
                f"{path}: its networks are not those of the new settings: {'; '.join(changes)}",
                hint="--override changes rates, weights, photos and steps, but no networks. Name "
                "another --output for a new run.",
            ) from error
        return before.step, changes

    def _changes(self, before: state.State) -> tuple[str, ...]:
        changed = state.differences(before.settings, self.config.model_dump(mode="json"))
        if before.photos != self.photos.fingerprint:
            changed.append("photos: other files than before")
        count = self.processes.count
        if before.processes != count:
            begun = " (the pools of earlier images begin anew)" if before.own_memories[0] else ""
            changed.append(f"processes: {before.processes} -> {count}{begun}")
        return tuple(changed)


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
    """Averages of the loss terms and of the time since the last report.

    The sums stay on the device until they are reported, so that no step waits for a GPU.
    """

    def __init__(self, processes: Processes) -> None:
        self._processes = processes
        self._begin()

    def _begin(self) -> None:
        self._sums: dict[str, Tensor] = {}
        self._counts: dict[str, int] = {}
        self._steps, self._seconds = 0, 0.0

    def add(self, terms: Mapping[str, Tensor], seconds: float) -> None:
        """Count the terms of one step, and how long it took."""
        self._steps += 1
        self._seconds += seconds
        for name, term in terms.items():
            value = term.double()
            self._sums[name] = self._sums[name] + value if name in self._sums else value
            self._counts[name] = self._counts.get(name, 0) + 1

    def progress(self, step: int, rate: float) -> Progress:
        """Return the averages and begin anew.

        Raises:
            TrainingError: one is not a number.
        """
        sums = self._processes.mean(torch.stack(list(self._sums.values()))).tolist()
        means = {
            name: total / self._counts[name] for name, total in zip(self._sums, sums, strict=True)
        }
        seconds = self._seconds / self._steps
        self._begin()
        check_terms(means)
        return Progress(step, means, rate, seconds)


class _Pace:
    """Tells from the first steps how long a run will take.

    Args:
        steps: those that are to be done.
    """

    def __init__(self, steps: int) -> None:
        self._steps = steps
        self._taken: list[float] = []

    def add(self, seconds: float) -> bool:
        """Count a step; return True once, when enough are known."""
        if self._is_known(self._taken):
            return False
        self._taken.append(seconds)
        return self._is_known(self._taken)

    def _is_known(self, taken: list[float]) -> bool:
        return len(taken) == min(TIMED, self._steps) or sum(taken) > TIMED_SECONDS

    @property
    def seconds(self) -> float:
        """How long a step takes; the first ones decode photos and allocate memory, too."""
        return min(self._taken)

    @property
    def left(self) -> float:
        """How many seconds all steps take that are to be done."""
        return self._steps * self.seconds
