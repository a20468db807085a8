"""What tokens cost: a dated table of list prices, and what settings say instead. A price that nobody knows is None, never nothing."""

import dataclasses
import functools
import json
import re
from collections.abc import Mapping
from importlib import resources

from rootward.llm import messages

MILLION = 1_000_000
_ORIGIN = re.compile(r"^(?:.*/)?(?:(?:us|eu|apac|global|jp|au|ca)\.)?(?:anthropic|openai)?\.?")
_RELEASE = re.compile(r"(?:-(?:\d{8}|\d{4}-\d{2}-\d{2}|latest))?(?:-v\d+(?::\d+)?)?(?:@[\w-]+)?$")


@dataclasses.dataclass(frozen=True, slots=True)
class Price:
    """US dollars per million tokens. Beyond `long_above` tokens of question, all of it costs `long_input` and `long_output` times as much."""

    input: float
    output: float
    cache_read: float | None = None  # None: as input
    cache_write: float | None = None
    long_above: int | None = None
    long_input: float = 1.0
    long_output: float = 1.0

    def of(self, usage: messages.Usage) -> float:
        """Dollars."""
        asked = usage.input_tokens + usage.cache_read_tokens + usage.cache_write_tokens
        is_long = self.long_above is not None and asked > self.long_above
        read = self.input if self.cache_read is None else self.cache_read
        write = self.input if self.cache_write is None else self.cache_write
        into = usage.input_tokens * self.input + usage.cache_read_tokens * read + usage.cache_write_tokens * write
        out = usage.output_tokens * self.output
        return (into * (self.long_input if is_long else 1.0) + out * (self.long_output if is_long else 1.0)) / MILLION


FREE = Price(0.0, 0.0)


@dataclasses.dataclass(frozen=True, slots=True)
class Table:
    """List prices by the models' names, as they were on `as_of`."""

    as_of: str
    prices: Mapping[str, Price]

    def price(self, name: str) -> Price | None:
        """The price of a model, by whichever provider's spelling of its name; releases of a model cost what it costs."""
        return self.prices.get(_RELEASE.sub("", _ORIGIN.sub("", name.lower(), count=1)))


@functools.cache
def listed() -> Table:
    """The table that comes with this version."""
    tree = json.loads(resources.files(__package__).joinpath("prices.json").read_text(encoding="utf-8"))
    return Table(tree["as_of"], {name: Price(**row) for name, row in tree["prices"].items()})
