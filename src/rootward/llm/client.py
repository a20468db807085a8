"""The client: one model of one provider, asked over its own wire format. It adds nothing; policies are wrapped around it."""

import json
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any

import httpx2
import orjson

from rootward import _clock, errors
from rootward.llm import access as accesses
from rootward.llm import aws_events, deltas, door, messages, model, refusals, sse
from rootward.llm.providers import provider as providers
from rootward.llm.wires import checked

BABBLE_CHARS_A_TOKEN = 24
"""An answer with more characters than this for every token it was allowed does not stop where it should, and is cut."""


class Client(model.Model):
    """`way` overrides how the provider is made to answer in a form; `way_out` replaces the network."""

    def __init__(
        self,
        provider: providers.Provider,
        name: str,
        access: accesses.Access,
        *,
        clock: _clock.Clock,
        way: model.Way | None = None,
        way_out: door.Door | None = None,
        transport: httpx2.AsyncBaseTransport | None = None,
    ) -> None:
        self.provider, self.name, self.way = provider.name, name, way or provider.way
        self.context_tokens = access.context_tokens or provider.context_tokens
        self._provider, self._access, self._clock = provider, access, clock
        self._door: door.Door = way_out or (
            provider.door(access, name) if provider.door else door.HttpDoor(access, self.title, transport)
        )

    async def exchange(self, request: messages.Request, *, live: bool) -> AsyncGenerator[deltas.Delta]:
        """See `model.Model.exchange`."""
        spec = self._provider
        wanted, live = live, live or spec.only_live
        body = {**spec.wire.encode(request, self.name, spec.dialect, live=live), **spec.body}
        sent = _dumps({key: value for key, value in body.items() if key not in spec.unsaid})
        url = spec.url(self._access, self.name, live=live)
        headers = await spec.headers_for(self._access, self.name, url, sent)
        deadline = door.Deadline.start(self.title, request.seconds, self._access.quiet_s)
        async with self._door.opened(url, headers, sent, deadline) as response:
            if response.status != 200:
                shown = f"POST {accesses.shown(url)}"
                raw = self._access.without_secrets(await response.body())
                raise refusals.of_status(
                    self.title, shown, response.status, response.headers, raw, now_s=self._clock.now_s()
                )
            kind = response.headers.get("content-type", "").partition(";")[0]
            if kind == "text/html":
                raise errors.ModelMalformed(
                    f"{self.title}: {accesses.shown(url)} answered with a web page; is base_url its address?",
                    model=self.title,
                )
            try:
                if live and "json" not in kind:
                    async for piece in self._streamed(request, response):
                        if wanted or isinstance(piece, deltas.Finished):
                            yield piece
                else:
                    yield deltas.Finished(self._whole(await response.body(), request))
            except (checked.Wrong, sse.EventTooLarge, aws_events.Broken) as error:
                message = f"{self.title} answered with something that is not its API: {error}; is base_url its address?"
                raise errors.ModelMalformed(message, model=self.title) from error

    async def aclose(self) -> None:
        """See `model.Model.aclose`."""
        await self._door.aclose()

    def _whole(self, body: bytes, request: messages.Request) -> messages.Reply:
        try:
            tree = json.loads(body)
        except (ValueError, RecursionError) as error:
            raise checked.Wrong(f"{body[:60]!r} is not JSON") from error
        return self._provider.wire.decode(checked.mapping(tree, "the answer"), self.title, request)

    async def _streamed(self, request: messages.Request, response: door.Response) -> AsyncIterator[deltas.Delta]:
        decoder = self._provider.wire.decoder(self.title, request)
        room = request.tokens_max * BABBLE_CHARS_A_TOKEN + 4096
        async for event in self._events(response):
            for piece in decoder.feed(event):
                if isinstance(piece, deltas.TextDelta | deltas.ReasoningDelta | deltas.CallDelta):
                    room -= len(piece.text)
                yield piece
            if room < 0:
                message = f"{self.title} went on long after the {request.tokens_max} tokens that it was allowed; use another model or server"
                raise errors.ModelMalformed(message, model=self.title)
        yield deltas.Finished(decoder.finish())

    async def _events(self, response: door.Response) -> AsyncIterator[sse.Event]:
        parser = aws_events.Parser() if self._provider.framing == "aws" else sse.Parser()
        async for chunk in response.chunks:
            for event in parser.feed(chunk):
                yield event


def _dumps(body: dict[str, Any]) -> bytes:
    """The quick writer, and the patient one for what it refuses (half a surrogate, integers beyond 64 bits)."""
    try:
        return orjson.dumps(body)
    except TypeError:
        return json.dumps(body).encode()
