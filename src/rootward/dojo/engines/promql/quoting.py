"""String literals between Go's spelling and ours."""

import re

_ESCAPE = re.compile(r"\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-7]{3})|(.))", re.DOTALL)
_SIMPLE = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v", "\\": "\\"}
_SHOWN = {text: f"\\{letter}" for letter, text in _SIMPLE.items()} | {'"': '\\"'}


def closing(text: str, start: int) -> int:
    """Where the literal that opens at `start` closes, -1 for nowhere: quoted ones end with their line."""
    quote = text[start]
    if quote == "`":
        return text.find("`", start + 1)
    at = start + 1
    while at < len(text) and text[at] not in (quote, "\n"):
        at += 2 if text[at] == "\\" else 1
    return at if at < len(text) and text[at] == quote else -1


def unquoted(literal: str) -> str:
    """What a string literal means; bytes that are no UTF-8 become U+FFFD, as in Prometheus's JSON.

    Raises:
        ValueError: an escape that Go does not know, in its words.
    """
    quote, inner = literal[0], literal[1:-1]
    if quote == "`" or "\\" not in inner:
        return inner
    out, at = bytearray(), 0
    for found in _ESCAPE.finditer(inner):
        out += inner[at : found.start()].encode(errors="replace") + _escaped(found, quote)
        at = found.end()
    return (out + inner[at:].encode(errors="replace")).decode(errors="replace")


def _escaped(found: re.Match[str], quote: str) -> bytes:
    byte, short, long, octal, letter = found.groups()
    if byte is not None:
        return bytes([int(byte, 16)])
    if octal is not None:
        if int(octal, 8) > 0xFF:
            raise ValueError("escape sequence is an invalid Unicode code point")
        return bytes([int(octal, 8)])
    if letter is not None:
        if letter == quote:
            return quote.encode()
        if letter not in _SIMPLE:
            raise ValueError(f"unknown escape sequence U+{ord(letter):04X} '{letter}'")
        return _SIMPLE[letter].encode()
    point = int(short or long, 16)
    if point > 0x10FFFF or 0xD800 <= point < 0xE000:
        raise ValueError("escape sequence is an invalid Unicode code point")
    return chr(point).encode()


def quoted(text: str) -> str:
    """Go's %q of a text."""
    return f'"{"".join(map(_shown, text))}"'


def _shown(character: str) -> str:
    if character in _SHOWN:
        return _SHOWN[character]
    if character.isprintable():
        return character
    point = ord(character)
    return f"\\x{point:02x}" if point < 0x80 else f"\\u{point:04x}" if point < 0x10000 else f"\\U{point:08x}"


def rune(character: str) -> str:
    """Go's %q of one character; nothing is the end of the text."""
    if not character:
        return "'�'"
    return "'\\''" if character == "'" else f"'{character if character == chr(34) else _shown(character)}'"
