"""Identifiers that vendors give to things: drawn from the thing's name, so that equal worlds have equal ids."""

import base64
import hashlib

UPPER = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"


def opaque(prefix: str, *names: str, length: int = 11, alphabet: str = UPPER) -> str:
    """`prefix` and characters up to `length` in all, the same for the same names."""
    number = int.from_bytes(hashlib.sha256("\0".join((prefix, *names)).encode()).digest(), "big")
    out = prefix
    while len(out) < length:
        number, digit = divmod(number, len(alphabet))
        out += alphabet[digit]
    return out


def number(*names: str, digits: int = 8) -> int:
    """A positive whole number of at most `digits` digits, the same for the same names."""
    digest = hashlib.sha256("\0".join(names).encode()).digest()
    return int.from_bytes(digest[:8], "big") % (int("9" * digits)) + 1


def bits(size: int, *names: str) -> int:
    """A number of `size` bits (256 at most), the same for the same names."""
    return int.from_bytes(hashlib.sha256("\0".join(names).encode()).digest(), "big") & ((1 << size) - 1)


def base64_text(data: bytes) -> str:
    """As forges give a file's content."""
    return base64.b64encode(data).decode()
