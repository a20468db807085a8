"""The whole exception tree, so that a reader sees at a glance what can go wrong and who catches it.

```
RootwardError
├── SettingsError              rootward.yaml or the environment is wrong (the command line prints it and stops)
├── InputError                 something a person gave us cannot be used
│   ├── AlertError             an alert payload that no known format accepts
│   ├── CapsuleError           a capsule that is missing, half-written, corrupt or of another version
│   │   └── CapsuleVersionError
│   ├── DatasetError           a public data set that is not laid out as its authors publish it
│   ├── RunError               the file of a run of evals that cannot be read, or runs that cannot be compared
│   └── MemoryFileError        memory's file, or an export of it, that is damaged, half-written, locked or of a newer version
├── BackendError               a back end could not answer; becomes an Answer, never escapes a source
│   ├── BackendUnreachable     no connection, TLS failure, name not found
│   ├── BackendTimeout         no answer before the deadline
│   ├── BackendRateLimited     429 until the deadline; carries retry_after_s
│   ├── BackendMalformed       it answered with something that is not its own API
│   ├── NotPermitted           401 or 403
│   └── QueryRejected          the query was wrong (4xx that is not about permission)
├── EngineError                a dojo engine cannot evaluate a query
│   ├── QuerySyntaxError       the text is not in the language
│   ├── QueryExecutionError    it parses, and fails while evaluated (many-to-many matching …)
│   ├── QueryTooLarge          it exceeds a named limit
│   └── QueryTimedOut          it would take longer than the engine may work on one query
├── ModelError                 a language model could not answer; carries what the failed call cost
│   ├── ModelUnreachable       no connection, TLS failure, name not found
│   ├── ModelTimeout           nothing, or nothing more, before the deadline
│   ├── ModelRateLimited       too many requests or tokens a minute; carries retry_after_s
│   ├── ModelFailed            it failed while answering (5xx, an error or an end in the middle of the stream)
│   │   └── ModelOverloaded    it has no room now; carries retry_after_s
│   ├── ModelNotPermitted      no key, a wrong key, no right to this model, an account that is spent
│   ├── ModelUnknown           the provider has no such model
│   ├── ModelRejected          the provider says that the request is wrong
│   │   └── ContextTooLong     the conversation does not fit into the model
│   ├── ModelRefused           the model, or a filter before or behind it, will not answer
│   ├── ModelMalformed         it answered with something that is not its own API, or without end
│   └── OutputInvalid          the answer does not fit the schema, also after it was told so
├── BudgetSpent                the tokens, the money or the time that a run may spend on models are spent
├── UnexpectedPrompt           a scripted or recorded model was asked what it has no answer for
└── WorldError                 a world, fault or parameter that does not exist or cannot be built
```
A subclass exists because somebody catches it or reports it differently.
"""

from collections.abc import Mapping


class RootwardError(Exception):
    """Base of every error we raise on purpose."""


class SettingsError(RootwardError):
    """Settings are wrong; the message names the key, where it was read, and the nearest valid key."""


class InputError(RootwardError):
    """Something a person gave us cannot be used; the message says what was expected."""


class AlertError(InputError):
    """An alert payload that no known format accepts."""


class CapsuleError(InputError):
    """A capsule that is missing, half-written or corrupt."""


class CapsuleVersionError(CapsuleError):
    """A capsule written by a version of the format that this version cannot read."""


class DatasetError(InputError):
    """A public data set that is not laid out as its authors publish it."""


class RunError(InputError):
    """The file of a run of evals that cannot be read, or runs that cannot be compared."""


class MemoryFileError(InputError):
    """Memory's file, or an export of it, that is damaged, half-written, locked or of a newer version; an investigation goes on without."""


class BackendError(RootwardError):
    """A back end could not answer. `source` names the connector."""

    def __init__(self, message: str, *, source: str = "") -> None:
        super().__init__(message)
        self.source = source


class BackendUnreachable(BackendError):
    """No connection, TLS failure, name not found."""


class BackendTimeout(BackendError):
    """No answer before the deadline."""


class BackendRateLimited(BackendError):
    """429 until the deadline."""

    def __init__(self, message: str, *, source: str = "", retry_after_s: float | None = None) -> None:
        super().__init__(message, source=source)
        self.retry_after_s = retry_after_s


class BackendMalformed(BackendError):
    """It answered with something that is not its own API (HTML, wrong types, half a document)."""


class NotPermitted(BackendError):
    """401 or 403: the credentials do not allow this question."""


class QueryRejected(BackendError):
    """The back end says that the query is wrong."""


class EngineError(RootwardError):
    """A dojo engine cannot evaluate a query."""


class QuerySyntaxError(EngineError):
    """The text is not in the query language."""


class QueryExecutionError(EngineError):
    """The query parses, and fails while it is evaluated."""


class QueryTooLarge(EngineError):
    """The query exceeds a named limit (samples, series, points)."""


class QueryTimedOut(EngineError):
    """The query would take longer than the engine may work on one query (counted in units of work, not on a clock)."""


class ModelError(RootwardError):
    """A language model could not answer. `usage`: what the call is charged for all the same, as fields of `llm.Usage`."""

    def __init__(
        self,
        message: str,
        *,
        model: str = "",
        retry_after_s: float | None = None,
        usage: Mapping[str, int] | None = None,
    ) -> None:
        super().__init__(message)
        self.model = model
        self.retry_after_s = retry_after_s
        self.usage = dict(usage or {})


class ModelUnreachable(ModelError):
    """No connection, TLS failure, name not found."""


class ModelTimeout(ModelError):
    """Nothing, or nothing more, before the deadline."""


class ModelRateLimited(ModelError):
    """Too many requests or tokens a minute."""


class ModelFailed(ModelError):
    """It failed while answering: 5xx, an error or an end in the middle of the stream."""


class ModelOverloaded(ModelFailed):
    """It has no room now."""


class ModelNotPermitted(ModelError):
    """No key, a wrong key, no right to this model, or an account that is spent."""


class ModelUnknown(ModelError):
    """The provider has no such model."""


class ModelRejected(ModelError):
    """The provider says that the request is wrong."""


class ContextTooLong(ModelRejected):
    """The conversation does not fit into the model."""


class ModelRefused(ModelError):
    """The model, or a filter before or behind it, will not answer."""


class ModelMalformed(ModelError):
    """It answered with something that is not its own API, or without end."""


class OutputInvalid(ModelError):
    """The answer does not fit the schema, also after the model was told so."""


class BudgetSpent(RootwardError):
    """The tokens, the money or the time that a run may spend on models are spent. No retry and no other model helps."""


class UnexpectedPrompt(RootwardError):
    """A scripted or recorded model was asked what it has no answer for: a bug, which no policy may catch."""


class WorldError(RootwardError):
    """A world, fault or parameter that does not exist or cannot be built."""
