"""Published files over a network that does everything wrong."""

import hashlib
import resource
import threading
import time
from types import SimpleNamespace

import pytest

from photoenhance.errors import WeightsError
from photoenhance.zoo import download, store, transfer
from photoenhance.zoo.pins import Pin
from photoenhance.zoo.transfer import Patience

CONTENT = bytes(range(256)) * 2000
QUICK = Patience(attempts=3, pause=0.01, silence=20, window=30, least=1)
HURRIED = Patience(attempts=3, pause=0.01, silence=20, window=0.5, least=1000)


def accept(file):
    """Take anything."""


def refuse(file):
    raise WeightsError(f"{file}: holds tensors of no known architecture")


def fetch(card, accept=accept, patience=QUICK, **options):
    return download.fetch(card, accept, patience=patience, **options)


def kept(card):
    """What lies in the folder of downloads."""
    folder = store.original(card.published).parent
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


def assert_refused(card, *words, **options):
    with pytest.raises(WeightsError) as caught:
        fetch(card, **options)

    for word in words:
        assert word in caught.value.message
    assert "models import FILE --name tiny" in caught.value.hint
    assert kept(card) == []


def test_a_file_comes_whole_and_is_described(server, card_of):
    card = card_of(server.serve("/a", CONTENT))

    pin = fetch(card)

    assert store.original(card.published).read_bytes() == CONTENT
    assert pin == Pin(hashlib.sha256(CONTENT).hexdigest(), len(CONTENT), server.url("/a"))
    assert kept(card) == ["tiny.pth"]


def test_progress_is_told_up_to_the_end(server, card_of):
    told = []

    fetch(card_of(server.serve("/a", CONTENT)), progress=lambda *done: told.append(done))

    assert told[-1] == (len(CONTENT), len(CONTENT))


def test_the_next_address_is_tried_where_one_fails(server, card_of):
    card = card_of(server.url("/gone"), server.serve("/b", CONTENT))

    pin = fetch(card)

    assert pin.origin == server.url("/b")
    assert server.asked == ["/gone", "/b"]


def test_a_known_hash_that_does_not_match_is_refused(server, card_of):
    card = card_of(server.serve("/a", CONTENT), sha256="ab" * 32)

    assert_refused(card, hashlib.sha256(CONTENT).hexdigest(), "ab" * 32, "published", "deleted")


def test_a_file_that_differs_from_the_first_download_is_refused(server, card_of):
    card = card_of(server.serve("/a", CONTENT))

    assert_refused(card, "that the first download had", expected=Pin("ab" * 32, 5, "before"))


def test_a_known_size_that_does_not_match_is_refused(server, card_of):
    assert_refused(card_of(server.serve("/a", CONTENT), size=len(CONTENT) + 1), "512,001")


def test_more_bytes_than_published_end_the_download(server, card_of):
    card = card_of(server.serve("/a", CONTENT), size=1000)

    assert_refused(card, "sent more than 1,000 bytes")


def test_a_file_that_is_no_such_model_is_refused_and_the_next_address_tried(server, card_of):
    card = card_of(server.serve("/a", CONTENT), server.serve("/b", CONTENT))

    assert_refused(card, "holds tensors of no known architecture", accept=refuse)
    assert server.asked == ["/a", "/b"]


def test_a_truncated_body_is_tried_again(server, card_of, answers):
    short = answers.body(CONTENT[:1000], length=len(CONTENT))
    card = card_of(server.serve("/a", short, CONTENT))

    fetch(card)

    assert store.original(card.published).read_bytes() == CONTENT
    assert server.asked == ["/a", "/a"]


def test_a_body_that_is_always_truncated_is_refused(server, card_of, answers):
    card = card_of(server.serve("/a", answers.body(CONTENT[:1000], length=len(CONTENT))))

    assert_refused(card, "127.0.0.1 broke off")
    assert len(server.asked) == QUICK.attempts


def test_a_404_is_refused_at_once(server, card_of):
    card = card_of(server.url("/gone"))

    assert_refused(card, "127.0.0.1 answered 404")
    assert len(server.asked) == 1


def test_a_500_is_tried_again(server, card_of, answers):
    card = card_of(server.serve("/a", answers.status(500), CONTENT))

    fetch(card)

    assert server.asked == ["/a", "/a"]


def test_a_redirect_loop_is_refused(server, card_of, answers):
    url = server.url("/a")
    server.serve("/a", answers.status(302, Location=url))

    assert_refused(card_of(url), "redirects without end")


def test_a_redirect_is_followed(server, card_of, answers):
    target = server.serve("/b", CONTENT)
    card = card_of(server.serve("/a", answers.status(302, Location=target)))

    fetch(card)

    assert store.original(card.published).read_bytes() == CONTENT


def test_a_body_that_dribbles_is_given_up_on(server, card_of):
    def dribble(handler):
        handler.send_response(200)
        handler.send_header("Content-Length", "100000")
        handler.end_headers()
        for _ in range(200):
            handler.wfile.write(b"x")
            handler.wfile.flush()
            time.sleep(0.05)

    begun = time.monotonic()

    assert_refused(card_of(server.serve("/a", dribble)), "is too slow: ", patience=HURRIED)
    assert time.monotonic() - begun < 8


def test_headers_that_dribble_are_given_up_on(server, card_of):
    def dribble(handler):
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nX: ")
        for _ in range(200):
            handler.wfile.write(b"x")
            handler.wfile.flush()
            time.sleep(0.05)

    begun = time.monotonic()

    assert_refused(card_of(server.serve("/a", dribble)), "is too slow: 0 bytes", patience=HURRIED)
    assert time.monotonic() - begun < 8


def test_a_server_that_says_nothing_is_given_up_on(server, card_of):
    card = card_of(server.serve("/a", lambda handler: time.sleep(3)))
    quick = Patience(attempts=1, pause=0, silence=0.2, window=5)

    with pytest.raises(WeightsError, match=r"127\.0\.0\.1 cannot be reached"):
        download.fetch(card, accept, patience=quick)


def test_no_network_is_said_in_words(card_of):
    assert_refused(card_of("http://127.0.0.1:9/a"), "127.0.0.1 cannot be reached")


def test_an_address_that_is_none_is_said_in_words(card_of):
    assert_refused(card_of("nowhere"), "cannot be asked")


def test_a_full_disk_leaves_nothing(server, card_of):
    card = card_of(server.serve("/a", CONTENT), server.serve("/b", CONTENT))
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)

    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, limits[1]))
    try:
        with pytest.raises(WeightsError, match="cannot be written") as caught:
            fetch(card)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)

    assert "PHOTOENHANCE_HOME" in caught.value.hint
    assert kept(card) == []
    assert server.asked == ["/a"]


@pytest.mark.parametrize(
    ("page", "words"),
    [
        ("<title>Google Drive - Quota exceeded</title>", "its download quota is used up"),
        ("<title>Google Drive - Virus scan warning</title>", "it wants a confirmation by hand"),
        ("<title>Sign in - Google Accounts</title>", "it wants somebody to sign in"),
        ("<title>Welcome\nall</title>", "it does not say why (titled 'Welcome all')"),
        ("", "it does not say why"),
    ],
)
def test_a_web_page_instead_of_the_file_is_recognised(server, card_of, answers, page, words):
    content = f"\n<!DOCTYPE html><html><head>{page}</head></html>".encode()
    card = card_of(server.serve("/a", answers.body(content, "text/html; charset=utf-8")))

    assert_refused(card, "sent a web page instead of the file", words)


def test_an_empty_answer_is_refused(server, card_of):
    assert_refused(card_of(server.serve("/a", b"")), "sent nothing")


def test_offline_asks_nobody_and_says_what_to_do(server, card_of, monkeypatch):
    monkeypatch.setenv("PHOTOENHANCE_OFFLINE", "1")

    assert_refused(card_of(server.serve("/a", CONTENT)), "PHOTOENHANCE_OFFLINE forbids")
    assert server.asked == []


def test_a_mirror_is_asked_instead_of_the_published_addresses(server, card_of, monkeypatch):
    monkeypatch.setenv("PHOTOENHANCE_MODEL_MIRROR", server.url("/models/"))
    server.serve("/models/a%20b.pth", CONTENT)
    card = card_of(server.url("/published"), file="a b.pth")

    fetch(card)

    assert server.asked == ["/models/a%20b.pth"]


def test_a_proxy_is_used(server, card_of, monkeypatch):
    monkeypatch.setenv("http_proxy", server.url(""))
    server.serve("http://models.invalid/a", CONTENT)

    fetch(card_of("http://models.invalid/a"))

    assert server.asked == ["http://models.invalid/a"]


def test_an_interrupted_download_leaves_nothing(server, card_of):
    def interrupt(done, total):
        raise KeyboardInterrupt

    card = card_of(server.serve("/a", CONTENT))

    with pytest.raises(KeyboardInterrupt):
        fetch(card, progress=interrupt)

    assert kept(card) == []


def test_the_end_is_told_even_where_all_has_come_before_anybody_looks() -> None:
    class Ended(threading.Thread):
        def is_alive(self) -> bool:
            return False

    told = []
    body = SimpleNamespace(size=7, total=7)

    transfer._wait(Ended(), body, lambda *done: told.append(done), Patience())

    assert told == [(7, 7)]
