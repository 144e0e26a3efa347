"""Published files over the network: each address in turn, whole and right or not at all."""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO
from urllib.parse import quote, urlsplit

import pooch
import requests

from photoenhance.errors import ImageError, WeightsError
from photoenhance.imaging.atomic import replacing
from photoenhance.zoo import store
from photoenhance.zoo.catalog import ModelCard, Published
from photoenhance.zoo.network import is_offline
from photoenhance.zoo.pins import Pin
from photoenhance.zoo.transfer import AttemptError, Body, Patience, Progress, watch

CHUNK = 1 << 16
PASSING = (408, 425, 429, 500, 502, 503, 504)  # statuses that another attempt may cure


def addresses(published: Published) -> tuple[str, ...]:
    """Where to get a file: at the user's mirror if there is one, else where it was published."""
    mirror = os.environ.get("PHOTOENHANCE_MODEL_MIRROR")
    if mirror:
        return (f"{mirror.rstrip('/')}/{quote(published.file)}",)
    return published.addresses


def fetch(
    card: ModelCard,
    accept: Callable[[Path], None],
    *,
    expected: Pin | None = None,
    progress: Progress | None = None,
    patience: Patience | None = None,
) -> Pin:
    """Download a card's published file to where the store keeps it.

    Args:
        card: of a published model.
        accept: raises `WeightsError` for a file that is not what the card promises; it is then
            removed, and the next address tried.
        expected: what the file was when it came here before; another one is refused.
        progress: told how far it is, from time to time.
        patience: how long to wait.

    Raises:
        WeightsError: no address had the right file, the network may not be used, or the disk
            refuses it; the store then has no such file.
    """
    published = _published(card)
    if is_offline():
        raise WeightsError(
            f"{card.name}: is not here, and PHOTOENHANCE_OFFLINE forbids to download it",
            hint=f"Unset it and run `photoenhance models download {card.name}`. {by_hand(card)}",
        )
    failures = []
    for address in addresses(published):
        file = store.original(published)
        try:
            pin = _fetch_patiently(
                address, file, progress or _untold, patience or Patience(), published.size
            )
            _check(pin, published, expected)
            _check_content(file, accept)
        except AttemptError as failure:
            file.unlink(missing_ok=True)
            failures.append(f"{urlsplit(address).hostname or address} {failure}")
        else:
            return pin
    raise WeightsError(
        f"{card.name}: could not be downloaded: {'; '.join(failures)}", hint=by_hand(card)
    )


def _untold(done: int, total: int | None) -> None:
    """Tell nobody how far it is."""


def by_hand(card: ModelCard) -> str:
    """How to get a card's file without us, as a sentence."""
    published = _published(card)
    return (
        f"Get {published.file} from {published.page} with a browser and run "
        f"`photoenhance models import FILE --name {card.name}`."
    )


def _published(card: ModelCard) -> Published:
    if card.published is None:
        raise ValueError(f"{card.name} is not published elsewhere")
    return card.published


def _check(pin: Pin, published: Published, expected: Pin | None) -> None:
    """Compare a file with what is known of it."""
    if published.size is not None and pin.size != published.size:
        raise AttemptError(f"sent {pin.size:,} bytes, not {published.size:,}; deleted them")
    known = published.sha256 or (expected.sha256 if expected else pin.sha256)
    if pin.sha256 != known:
        whose = "published" if published.sha256 else "that the first download had"
        raise AttemptError(
            f"sent a file with the SHA-256 {pin.sha256}, not {known}, the one {whose}; deleted it"
        )


def _check_content(file: Path, accept: Callable[[Path], None]) -> None:
    try:
        accept(file)
    except WeightsError as error:
        reason = error.message.removeprefix(f"{file}: ")
        raise AttemptError(
            f"sent another file than the one wanted: {reason}; deleted it"
        ) from error


def _fetch_patiently(
    address: str, file: Path, progress: Progress, patience: Patience, size: int | None
) -> Pin:
    """Fetch from one address, again after failures that may pass."""
    for attempt in range(1, patience.attempts + 1):
        try:
            with _kept(file) as stream:
                body = Body(stream, size)
                watch(lambda: _receive(address, body, patience), body, progress, patience)  # noqa: B023 (runs at once)
                body.finish()
        except AttemptError as failure:
            if not failure.is_passing or attempt == patience.attempts:
                raise
            time.sleep(patience.pause * 2 ** (attempt - 1))
        else:
            return Pin(body.sha256, body.size, address)
    raise AssertionError("at least one attempt is made")


@contextmanager
def _kept(file: Path) -> Iterator[BinaryIO]:
    """Open a file to write; the disk's refusals become errors about weights."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with replacing(file) as stream:
            yield stream
    except ImageError as error:
        raise WeightsError(error.message, hint=store.ELSEWHERE) from error
    except OSError as error:
        raise WeightsError(
            f"{file}: cannot be written, {error.strerror}", hint=store.ELSEWHERE
        ) from error


def _receive(address: str, body: Body, patience: Patience) -> None:
    """Receive a whole answer, or say in words why not."""
    responses: list[requests.Response] = []
    downloader = pooch.HTTPDownloader(
        progressbar=body,
        chunk_size=CHUNK,
        timeout=patience.silence,
        headers={"Accept-Encoding": "identity", "User-Agent": "photoenhance"},
        # Pooch leaves those open that it does not read to the end.
        hooks={"response": lambda response, **_: responses.append(response)},
    )
    try:
        downloader(address, body, None)
    except requests.HTTPError as error:
        status = error.response.status_code if error.response is not None else 0
        raise AttemptError(f"answered {status}", is_passing=status in PASSING) from error
    except requests.TooManyRedirects as error:
        raise AttemptError("redirects without end") from error
    except requests.exceptions.SSLError as error:
        raise AttemptError("has a certificate that is not trusted") from error
    except requests.exceptions.ProxyError as error:
        raise AttemptError("cannot be reached: the proxy refuses", is_passing=True) from error
    except (
        requests.ConnectionError,
        requests.Timeout,
        requests.exceptions.ChunkedEncodingError,
    ) as error:
        reason = "broke off" if responses else "cannot be reached"
        raise AttemptError(reason, is_passing=True) from error
    except requests.RequestException as error:
        raise AttemptError(f"cannot be asked: {error}") from error
    finally:
        for response in responses:
            response.close()
