"""Whether the network may be used."""

import os

ONLINE = ("", "0", "false", "no", "off")


def is_offline() -> bool:
    """Whether the user has forbidden to use the network, by PHOTOENHANCE_OFFLINE.

    Unset, empty, 0, false, no and off allow it, in any case of letters; every other value forbids
    it, also a mistyped one: what was meant to stay here must not go out.
    """
    return os.environ.get("PHOTOENHANCE_OFFLINE", "").strip().lower() not in ONLINE
