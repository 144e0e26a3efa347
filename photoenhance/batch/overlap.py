"""Room in the memory for photos that are worked on at the same time."""

import threading

from photoenhance.batch.plan import Job

MOST_PIXELS = 75_000_000  # of all photos in the memory, but for one that is larger by itself


class Room:
    """Lets a photo in when there is room for its pixels beside those of the others.

    Whatever its size, a photo gets in when no other is there.
    """

    def __init__(self, pixels: int = MOST_PIXELS) -> None:
        self._pixels = pixels
        self._inside: dict[Job, int] = {}
        self._changed = threading.Condition()
        self._is_closed = False

    def enter(self, job: Job, pixels: int | None) -> None:
        """Wait until a photo fits.

        Args:
            job: whose photo it is.
            pixels: how many; 0 never waits. None where nobody knows, which is taken for many.
        """
        wanted = self._pixels if pixels is None else pixels
        with self._changed:
            self._changed.wait_for(lambda: self._is_closed or self._has_room(wanted))
            self._inside[job] = wanted

    def leave(self, job: Job) -> None:
        """Make room again, if the photo ever got in."""
        with self._changed:
            self._inside.pop(job, None)
            self._changed.notify_all()

    def close(self) -> None:
        """Let in at once who waits: the batch ends, and nobody should wait for ever."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()

    def _has_room(self, wanted: int) -> bool:
        is_alone = not self._inside or wanted == 0
        return is_alone or sum(self._inside.values()) + wanted <= self._pixels
