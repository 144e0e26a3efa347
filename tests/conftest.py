"""What tests of several rooms share."""

import csv
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from photoenhance.imaging.photo import Photo
from photoenhance.inference import tiles
from photoenhance.networks.generator import Generator, Scheme, Tile
from photoenhance.networks.uegan import UEGANConfig, UEGANGenerator

SHARED = Path(__file__).parents[1].parent / "shared"

Draw = Callable[[int, int], NDArray[np.uint8]]
Answer = Callable[[BaseHTTPRequestHandler], None]
RenderInPieces = Callable[[Generator, Scheme, Tensor, tuple[int, int]], Tensor]


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of golden numbers, photos and bad inputs that lies beside a checkout."""
    if not SHARED.is_dir():
        pytest.skip(f"needs the folder {SHARED.name} beside the checkout")
    return SHARED


@pytest.fixture(scope="session")
def expectations(shared: Path) -> dict[str, str]:
    """What is to become of each bad input: enhance, enhance-note, skip or either."""
    with (shared / "bad-inputs" / "expectations.csv").open(newline="") as file:
        table = {row["file"]: row["expect"] for row in csv.DictReader(file)}
    # "Bounded memory and time; enhancing ... is fine too".
    table["assorted/png_decompression_dos.png"] = "enhance"
    # "Unsupported without an extra plugin", which may be here.
    if find_spec("pillow_heif"):
        table["assorted/hopper.heif"] = "enhance"
    # Cut short by the last byte of its end marker: no pixel is missing.
    table["assorted/truncated_jpeg.jpg"] = "enhance-note"
    return table


@pytest.fixture(scope="session")
def draw() -> Draw:
    """Draw a picture with gradients, edges and grain; `(height, width, 3)` uint8."""

    def picture(height: int, width: int) -> NDArray[np.uint8]:
        rows, columns = np.mgrid[0:height, 0:width]
        sky = 140 + 80 * rows / height
        wave = 40 * np.sin(columns / 9) * np.cos(rows / 13)
        disc = (rows - height / 2) ** 2 + (columns - width / 3) ** 2 < (min(height, width) / 4) ** 2
        planes = [sky + wave, sky * 0.7 + 60 * disc, 200 - sky / 2 - wave]
        grain = np.random.default_rng(height * 10_007 + width).normal(0, 6, (height, width, 3))
        return (np.stack(planes, axis=-1) + grain).clip(0, 255).astype(np.uint8)

    return picture


@pytest.fixture(scope="session")
def photo_of() -> Callable[[NDArray[Any]], Photo]:
    """Make a photo in memory of nothing but pixels."""
    return Photo


@pytest.fixture(scope="session")
def generator() -> UEGANGenerator:
    """A seeded generator of width 8 that changes pictures visibly."""
    torch.manual_seed(7)
    generator = UEGANGenerator(UEGANConfig(width=8))
    generator.initialise(gain=1.387, last=0.25)
    return generator.eval().requires_grad_(requires_grad=False)


@pytest.fixture(scope="session")
def render_in_pieces() -> RenderInPieces:
    """Render an image `(1, 3, H, W)` of any size by a scheme, in tiles of at most this size."""

    def cut(image: Tensor, tile: tuple[int, int], halo: int, multiple: int) -> Iterator[Tile]:
        size = (image.shape[2], image.shape[3])
        for window in tiles.windows(size, tile, halo=halo, multiple=multiple):
            piece = image[:, :, window.rows, window.columns]
            yield Tile(piece, window.rows.start, window.columns.start, *size, window.interior)

    def render(
        generator: Generator, scheme: Scheme, image: Tensor, tile: tuple[int, int]
    ) -> Tensor:
        extension, multiple = generator.extension(*image.shape[2:]), generator.multiple
        image = extension.extend(image)
        whole = torch.full_like(image, torch.nan)
        with torch.inference_mode():
            survey = scheme.survey(cut(image, tile, scheme.survey_halo, multiple))
            for piece in cut(image, tile, scheme.halo, multiple):
                rows, columns = piece.interior
                inside = scheme.render(piece, survey)[:, :, rows, columns]
                top, left = piece.top + rows.start, piece.left + columns.start
                whole[:, :, top : top + inside.shape[2], left : left + inside.shape[3]] = inside
        return extension.crop(whole)

    return render


class Server(ThreadingHTTPServer):
    """Answers each path as a test says, and notes what it was asked for."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answers: dict[str, list[Answer]] = {}
        self.asked: list[str] = []

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.server_port}{path}"

    def serve(self, path: str, *answers: bytes | Answer) -> str:
        """Give these answers in turn, the last one for ever; bytes are sent as they are."""
        self.answers[path] = [_body(each) if isinstance(each, bytes) else each for each in answers]
        return self.url(path)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that went away are what some tests are about."""


class _Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        answers = self.server.answers.get(self.path, [_status(404)])
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        answer(self)

    def log_message(self, *args: Any) -> None:
        """Keep standard error for what is tested."""


def _body(content: bytes, kind: str = "application/octet-stream", length: int = -1) -> Answer:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Type", kind)
        handler.send_header("Content-Length", str(len(content) if length < 0 else length))
        handler.end_headers()
        handler.wfile.write(content)

    return answer


def _status(code: int, **headers: str) -> Answer:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(code)
        for name, value in {**headers, "Content-Length": "0"}.items():
            handler.send_header(name, value)
        handler.end_headers()

    return answer


@pytest.fixture(scope="session")
def answers() -> SimpleNamespace:
    """What the server can say: `answers.body(bytes, ...)`, `answers.status(code, ...)`."""
    return SimpleNamespace(body=_body, status=_status)


@pytest.fixture
def server() -> Iterator[Server]:
    """Serve on the loopback address."""
    server = Server()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()
