"""Several processes that train one network: torchrun's environment, means and gradients."""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.autograd import Function
from torch.distributed.distributed_c10d import Store
from torch.distributed.rendezvous import rendezvous

from photoenhance.errors import ConfigError, DeviceError, ExitCode, TrainingError
from photoenhance.inference.device import is_out_of_memory

# How long a process waits for the others: the first one may judge and save in the meantime.
PATIENCE = timedelta(minutes=30)
_REPORTER = "photoenhance/reporter"  # the rank of the process that says why the run ended


@dataclass(frozen=True, slots=True)
class Processes:
    """The processes of a run, as one of them sees it.

    Attributes:
        rank: of this process; 0 writes files and reports progress.
        count: of all.
        store: what all of them can read and write; None for one process.
    """

    rank: int = 0
    count: int = 1
    store: Store | None = None

    @property
    def is_first(self) -> bool:
        """Whether this is the process that writes."""
        return self.rank == 0

    @contextmanager
    def connected(self, device: torch.device) -> Iterator[torch.device]:
        """Exchange tensors with the other processes within the block.

        NCCL carries tensors between GPUs, gloo between CPUs.

        Args:
            device: what was asked for.

        Yields:
            The device of this process: of several, each has a GPU of its own.

        Raises:
            ConfigError: one GPU is named for several processes.
            DeviceError: there are fewer GPUs than processes.
        """
        if self.count == 1:
            yield device
            return
        own = _own_device(device)
        if own.type == "cuda":
            torch.cuda.set_device(own)
        dist.init_process_group(
            "cpu:gloo,cuda:nccl" if own.type == "cuda" else "gloo",
            store=self.store,
            rank=self.rank,
            world_size=self.count,
            timeout=PATIENCE,
        )
        try:
            yield own
        except Exception:
            self.may_report()  # claimed before the others see that this process is gone
            raise
        finally:
            dist.destroy_process_group()

    def may_report(self) -> bool:
        """Whether this process is the one that says why the run has failed."""
        if self.store is None:
            return True
        mine = str(self.rank)
        with suppress(RuntimeError):  # the store is gone, and with it the process that kept it
            return self.store.compare_set(_REPORTER, "", mine) == mine.encode()
        return False

    def mean(self, tensor: Tensor) -> Tensor:
        """Average a tensor over the processes, without gradients."""
        if self.count == 1:
            return tensor.detach()
        total = tensor.detach().clone()
        with _together():
            dist.all_reduce(total)
        return total / self.count

    def gathered(self, tensor: Tensor) -> Tensor:
        """Return the rows of all processes, `(N, ...)` -> `(count * N, ...)`, with gradients.

        A relativistic loss compares each logit with the mean over the whole batch: each process
        works it out on everybody's logits. Going back, each collects the gradients that all
        processes have for its own rows; averaging the gradients of the weights over the processes
        then gives what one process would have for the whole batch.
        """
        if self.count == 1:
            return tensor
        return _Gather.apply(tensor)  # type: ignore[no-untyped-call]

    def average_gradients(self, network: nn.Module) -> None:
        """Replace each gradient by the processes' mean, in one message for the whole network."""
        self._average([p.grad for p in network.parameters() if p.grad is not None])

    def average_statistics(self, network: nn.Module) -> None:
        """Replace the running statistics of batch normalisations by the processes' mean."""
        named = network.named_buffers()
        self._average([buffer for name, buffer in named if ".running_" in f".{name}"])

    def _average(self, tensors: list[Tensor]) -> None:
        if self.count == 1 or not tensors:
            return
        means = self.mean(torch.cat([tensor.reshape(-1) for tensor in tensors]))
        parts = torch.split(means, [tensor.numel() for tensor in tensors])
        for tensor, part in zip(tensors, parts, strict=True):
            tensor.copy_(part.view(tensor.shape))

    def collected(self, value: Any) -> list[Any]:
        """Return every process' value, by rank, in each process."""
        if self.count == 1:
            return [value]
        values: list[Any] = [None] * self.count
        with _together():
            dist.all_gather_object(values, value)
        return values

    def agreed(self, *wishes: bool) -> tuple[bool, ...]:
        """Whether any process has the first wish, the second, and so on."""
        if self.count == 1:
            return wishes
        asked = torch.tensor(wishes, dtype=torch.uint8)
        with _together():
            dist.all_reduce(asked, dist.ReduceOp.MAX)
        return tuple(bool(answer) for answer in asked)


class _Gather(Function):
    @staticmethod
    def forward(ctx: Any, tensor: Tensor) -> Tensor:
        del ctx
        parts = [torch.empty_like(tensor) for _ in range(dist.get_world_size())]
        with _together():
            dist.all_gather(parts, tensor.contiguous())
        return torch.cat(parts)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        del ctx
        total = gradients[0].clone(memory_format=torch.contiguous_format)
        with _together():
            dist.all_reduce(total)
        return total.chunk(dist.get_world_size())[dist.get_rank()]


@contextmanager
def joined() -> Iterator[Processes]:
    """Find the other processes that torchrun started, if it did.

    When one fails, all fail; the first to fail says why, the others end without a word.

    Raises:
        ConfigError: the environment names several processes, and no way to find them.
    """
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        yield Processes()
        return
    try:
        store, rank, count = next(rendezvous("env://", timeout=PATIENCE))
    except (ValueError, RuntimeError) as error:
        raise ConfigError(
            f"WORLD_SIZE={os.environ['WORLD_SIZE']}: the other processes cannot be found: {error}",
            hint="Start them with torchrun, or unset WORLD_SIZE.",
        ) from error
    processes = Processes(rank, count, store)
    try:
        yield processes
    except Exception as error:
        if not processes.may_report():
            raise SystemExit(ExitCode.FAILED) from error
        raise


def share_weights(networks: Iterable[nn.Module], processes: Processes) -> None:
    """Give every process the first one's weights and buffers."""
    if processes.count == 1:
        return
    for network in networks:
        for tensor in network.state_dict().values():
            with _together():
                dist.broadcast(tensor, 0)


@contextmanager
def _together() -> Iterator[None]:
    try:
        yield
    except RuntimeError as error:  # gloo's and NCCL's words for a connection that broke
        if is_out_of_memory(error):
            raise
        raise TrainingError(
            "another process of the run has ended",
            hint="What was saved last is whole: the same command goes on from there.",
        ) from error


def _own_device(device: torch.device) -> torch.device:
    if device.index is not None:
        raise ConfigError(
            f"device {device}: one card for several processes",
            hint="Name --device cuda: each process then takes a card of its own.",
        )
    if device.type != "cuda":
        return device
    number, cards = int(os.environ.get("LOCAL_RANK", "0")), torch.cuda.device_count()
    if number >= cards:
        raise DeviceError(
            f"device cuda: {cards} cards for more processes than that",
            hint=f"Start {cards} processes: torchrun --nproc-per-node={cards}.",
        )
    return torch.device("cuda", number)
