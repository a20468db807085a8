"""Texts as vectors without a model: hashed n-grams of characters, so that spellings of one name and forms of one word lie near.

The "hashing trick" of Weinberger et al. 2009 over character n-grams inside word boundaries (as fastText's subwords, Bojanowski et al.
2017). Counts are damped, signs are hashed too so that collisions cancel in the mean, and vectors have length one.
"""

import re
import zlib
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

DIMENSIONS = 512
SHORTEST, LONGEST = 3, 5
WORDS_MAX = 2_000  # of one text
SCALE = 127.0

Vector = npt.NDArray[np.int8]
_WORD = re.compile(r"[^\W_]+")


def words(text: str) -> list[str]:
    """Words in lower case, also those inside `camelCase` and `snake_case`."""
    parted = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", text[: WORDS_MAX * 20])
    return [word.lower() for word in _WORD.findall(parted)][:WORDS_MAX]


def vector(text: str) -> Vector:
    """Shape [DIMENSIONS], scaled to bytes; all zero for a text without words. Equal on every machine."""
    counts: dict[str, int] = {}
    for word in words(text):
        padded = f"<{word}>"
        for length in range(SHORTEST, LONGEST + 1):
            for start in range(max(len(padded) - length + 1, 0)):
                gram = padded[start : start + length]
                counts[gram] = counts.get(gram, 0) + 1
    found = np.zeros(DIMENSIONS)
    for gram, count in counts.items():
        code = zlib.crc32(gram.encode("utf-8", "surrogatepass"))
        found[(code >> 1) % DIMENSIONS] += (1.0 if code & 1 else -1.0) * (1.0 + np.log(count))
    length_of = float(np.linalg.norm(found))
    return np.round(found / length_of * SCALE).astype(np.int8) if length_of else found.astype(np.int8)


def cosines(one: Vector, others: Sequence[bytes]) -> npt.NDArray[np.float64]:
    """Similarity of `one` with each of `others` (as `vector(...).tobytes()`), shape [N], -1 to 1."""
    if not others:
        return np.empty(0)
    matrix = np.frombuffer(b"".join(others), dtype=np.int8).reshape(len(others), DIMENSIONS).astype(np.float32)
    lengths = np.linalg.norm(matrix, axis=1) * max(float(np.linalg.norm(one.astype(np.float32))), 1e-9)
    return np.asarray(matrix @ one.astype(np.float32) / np.maximum(lengths, 1e-9), dtype=np.float64)
