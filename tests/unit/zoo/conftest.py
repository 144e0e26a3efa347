"""A server on this machine, tiny models and a home of their own."""

import os
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import torch

from photoenhance.networks import ARCHITECTURES
from photoenhance.zoo.catalog import ModelCard, Published

Answer = Callable[[BaseHTTPRequestHandler], None]


class Server(ThreadingHTTPServer):
    """Answers each path as a test says, and counts what it was asked for."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers: dict[str, list[Answer]] = {}
        self.asked: list[str] = []

    def url(self, path):
        return f"http://127.0.0.1:{self.server_port}{path}"

    def serve(self, path, *answers):
        """Give these answers in turn, the last one for ever; bytes are sent as they are."""
        self.answers[path] = [body(a) if isinstance(a, bytes) else a for a in answers]
        return self.url(path)

    def handle_error(self, request, client_address):
        """Clients that went away are what some tests are about."""


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.asked.append(self.path)
        answers = self.server.answers.get(self.path, [status(404)])
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        answer(self)

    def log_message(self, *args):
        pass


def body(content, content_type="application/octet-stream", length=None):
    def answer(handler):
        handler.send_response(200)
        handler.send_header("Content-Type", content_type)
        handler.send_header("Content-Length", str(len(content) if length is None else length))
        handler.end_headers()
        handler.wfile.write(content)

    return answer


def status(code, **headers):
    def answer(handler):
        handler.send_response(code)
        for name, value in headers.items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    return answer


@pytest.fixture
def answers():
    """Make answers: `answers.body(...)`, `answers.status(...)`."""

    class Answers:
        pass

    Answers.body, Answers.status = staticmethod(body), staticmethod(status)
    return Answers


@pytest.fixture
def server():
    """Serve on the loopback address."""
    server = Server()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """A home of its own, and neither proxies nor settings from outside."""
    for name in list(os.environ):
        if name.startswith("PHOTOENHANCE_") or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("PHOTOENHANCE_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def state():
    """The state dict of a seeded UEGAN generator of width 8."""
    torch.manual_seed(3)
    architecture = ARCHITECTURES["uegan"]
    return architecture.generator(architecture.config(width=8)).state_dict()


@pytest.fixture
def card_of():
    """Make the card of a published UEGAN that lies at these addresses."""

    def make(*addresses, name="tiny", file="tiny.pth", **known):
        return ModelCard(
            name=name,
            summary="A tiny model.",
            architecture=known.pop("architecture", "uegan"),
            file=f"{name}.safetensors",
            licence="none",
            source="a test",
            training_data="nothing",
            citation="nobody",
            published=Published(file, addresses, "https://example.org/tiny", **known),
        )

    return make
