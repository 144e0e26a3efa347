"""Several processes that train one network: torchrun's environment, means and gradients."""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.autograd import Function


@dataclass(frozen=True, slots=True)
class Processes:
    """The processes of a run, as one of them sees it.

    Attributes:
        rank: of this process; 0 writes files and tells of progress.
        count: of all.
    """

    rank: int = 0
    count: int = 1

    @property
    def is_first(self) -> bool:
        """Whether this is the process that writes."""
        return self.rank == 0

    def mean(self, tensor: Tensor) -> Tensor:
        """Average a tensor over the processes, without gradients."""
        if self.count == 1:
            return tensor.detach()
        total = tensor.detach().clone()
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
        if self.count == 1:
            return
        gradients = [p.grad for p in network.parameters() if p.grad is not None]
        if not gradients:
            return
        flat = torch.cat([gradient.reshape(-1) for gradient in gradients])
        dist.all_reduce(flat)
        flat /= self.count
        sizes = [gradient.numel() for gradient in gradients]
        parts = torch.split(flat, sizes)
        for gradient, part in zip(gradients, parts, strict=True):
            gradient.copy_(part.view(gradient.shape))

    def collected(self, value: Any) -> list[Any]:
        """Return every process' value, by rank, in each process."""
        if self.count == 1:
            return [value]
        values: list[Any] = [None] * self.count
        dist.all_gather_object(values, value)
        return values

    def agree(self, *, wish: bool) -> bool:
        """Whether any process wishes so."""
        return any(self.collected(wish))


class _Gather(Function):
    @staticmethod
    def forward(ctx: Any, tensor: Tensor) -> Tensor:
        del ctx
        parts = [torch.empty_like(tensor) for _ in range(dist.get_world_size())]
        dist.all_gather(parts, tensor.contiguous())
        return torch.cat(parts)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        del ctx
        total = gradients[0].clone(memory_format=torch.contiguous_format)
        dist.all_reduce(total)
        return total.chunk(dist.get_world_size())[dist.get_rank()]


@contextmanager
def joined(device: torch.device) -> Iterator[Processes]:
    """Join the other processes that torchrun started, if it did.

    NCCL carries tensors between GPUs, gloo between CPUs.
    """
    if "RANK" not in os.environ or "WORLD_SIZE" not in os.environ:
        yield Processes()
        return
    if device.type == "cuda":
        torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", "0")))
    dist.init_process_group("nccl" if device.type == "cuda" else "gloo")
    try:
        yield Processes(dist.get_rank(), dist.get_world_size())
    finally:
        dist.destroy_process_group()


def same_everywhere(networks: Iterable[nn.Module], processes: Processes) -> None:
    """Give every process the first one's weights and buffers."""
    if processes.count == 1:
        return
    for network in networks:
        for tensor in network.state_dict().values():
            dist.broadcast(tensor, 0)
