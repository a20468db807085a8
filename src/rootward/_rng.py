"""The only door to randomness: named, independent streams from one seed.

A stream is addressed by a path of names, so adding a consumer never shifts the numbers that another one draws, and
the same seed gives the same bytes on every machine (PCG64, seeded through SHA-256 of the path).
"""

import hashlib

import numpy as np


def stream(seed: int, *path: str | int) -> np.random.Generator:
    """A generator for `path` under `seed`; equal arguments give equal numbers, different paths are independent."""
    text = "/".join([str(seed), *map(str, path)])
    digest = hashlib.sha256(text.encode()).digest()
    return np.random.Generator(np.random.PCG64(np.frombuffer(digest, dtype=np.uint32)))


def token(rng: np.random.Generator, length: int, alphabet: str = "0123456789abcdef") -> str:
    """`length` characters drawn from `alphabet` (hex by default): ids, hashes, pod suffixes."""
    return "".join(alphabet[i] for i in rng.integers(0, len(alphabet), length))
