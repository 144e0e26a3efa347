"""Codecs are kept quiet, whatever threads do."""

import threading
import warnings

import pytest

from photoenhance.imaging.silence import muted


def test_of_two_threads_the_first_to_end_does_not_end_the_silence_and_the_last_does() -> None:
    before = list(warnings.filters)
    inside, first_is_out = threading.Event(), threading.Event()
    told: list[str] = []

    def second() -> None:
        with muted():
            inside.set()
            first_is_out.wait(10)
            try:
                warnings.warn("of a codec", UserWarning, stacklevel=1)
            except UserWarning as warning:  # warnings are errors in tests
                told.append(str(warning))

    thread = threading.Thread(target=second)
    with muted():
        thread.start()
        assert inside.wait(10)
    first_is_out.set()
    thread.join()

    assert told == []
    assert list(warnings.filters) == before
    with pytest.warns(UserWarning, match="heard again"):
        warnings.warn("heard again", UserWarning, stacklevel=1)
