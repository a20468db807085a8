"""What all connectors share: a name, a client, and one way to turn a piece of asking into an Answer."""

from collections.abc import Awaitable, Callable
from typing import ClassVar, TypeVar

from rootward import errors
from rootward.connectors import _http, _reads
from rootward.signals import answers, protocols, windows

T = TypeVar("T")


class HttpSource:
    """A source behind one HTTP API. Subclasses add the questions of their kind of signal, and list in `READS` every request that these
    make: the client refuses all others."""

    READS: ClassVar[_reads.Reads]

    def __init__(self, name: str, http: _http.HttpClient) -> None:
        self._name = name
        self._http = http
        http.reads = self.READS

    @property
    def name(self) -> str:
        return self._name

    async def aclose(self) -> None:
        """End connections. Calling it twice is fine."""
        await self._http.aclose()

    async def _ask(
        self,
        work: Callable[[_http.Budget], Awaitable[answers.Part[T]]],
        *,
        query: str,
        limits: protocols.Limits,
        window: windows.Window | None = None,
        link: str = "",
    ) -> answers.Answer[T]:
        """Run `work` within the limits' seconds and bytes; what it raises of BackendError becomes the Answer's outcome."""

        async def bounded() -> answers.Part[T]:
            try:
                return await work(_http.Budget.start(limits))
            except errors.BackendMalformed as error:
                if error.source:
                    raise
                message = f"{self._name}: the answer to {query!r} is not in its API's shape: {error}"
                raise errors.BackendMalformed(message, source=self._name) from error

        return await answers.capture(bounded, source=self._name, query=query, window=window, link=link)
