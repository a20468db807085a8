"""A place in a list of tokens, with the few moves that a recursive-descent parser makes."""

from rootward import errors
from rootward.dojo.engines.logql import lexer


class Cursor:
    """Reads `text` token by token; every refusal is a QuerySyntaxError with the place."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._tokens = lexer.tokens(text)
        self._at = 0

    @property
    def now(self) -> lexer.Token:
        return self._tokens[self._at]

    def look(self, ahead: int) -> lexer.Token:
        return self._tokens[min(self._at + ahead, len(self._tokens) - 1)]

    def take(self) -> lexer.Token:
        token = self._tokens[self._at]
        if token.kind != "end":
            self._at += 1
        return token

    def is_symbol(self, *texts: str) -> bool:
        return self.now.kind == "symbol" and self.now.text in texts

    def is_name(self, *texts: str) -> bool:
        return self.now.kind == "name" and self.now.text in texts

    def accept(self, text: str) -> bool:
        """Take the symbol or word if it is next."""
        if self.now.kind in ("symbol", "name") and self.now.text == text:
            self._at += 1
            return True
        return False

    def expect(self, text: str) -> None:
        if not self.accept(text):
            raise self.unexpected(text)

    def name(self) -> str:
        if self.now.kind != "name":
            raise self.unexpected("IDENTIFIER")
        return self.take().text

    def string(self) -> str:
        if self.now.kind != "string":
            raise self.unexpected("STRING")
        return self.take().text

    def number(self) -> float:
        sign = -1.0 if self.is_symbol("-") else 1.0
        if self.is_symbol("-", "+"):
            self.take()
        if self.now.kind != "number":
            raise self.unexpected("NUMBER")
        return sign * float(self.take().text)

    def names_in_brackets(self) -> tuple[str, ...]:
        self.expect("(")
        names: list[str] = []
        while not self.is_symbol(")"):
            if names:
                self.expect(",")
            names.append(self.name())
        self.expect(")")
        return tuple(names)

    def finish(self) -> None:
        if self.now.kind != "end":
            raise self.unexpected()

    def error(self, message: str) -> errors.QuerySyntaxError:
        return lexer.error_at(self.text, self.now.at, message)

    def unexpected(self, expected: str = "") -> errors.QuerySyntaxError:
        kinds = {"end": "$end", "string": "STRING", "name": "IDENTIFIER", "number": "NUMBER", "duration": "DURATION"}
        found = kinds.get(self.now.kind, self.now.text)
        return self.error(f"syntax error: unexpected {found}" + (f", expecting {expected}" if expected else ""))
