"""What a model named for a fault does in place of computing, so that a real server shows how it answers then."""

import time


def misbehave(name: str) -> None:
    if name.startswith("eats-memory"):
        raise MemoryError("no memory left")
    if name.startswith("hangs"):
        time.sleep(5)
