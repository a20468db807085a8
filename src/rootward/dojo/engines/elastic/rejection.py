"""How the engine says no: with Elasticsearch's own exception type, so that a face can word the answer as the vendor does."""

from rootward import errors


class Rejection(errors.QuerySyntaxError):
    """`kind` is the `type` of the error in the answer; `caused_by` a second (type, reason) below it; `phase` is true when it is
    raised while shards search, which makes it a search_phase_execution_exception."""

    def __init__(
        self,
        kind: str,
        reason: str,
        *,
        status: int = 400,
        phase: bool = False,
        caused_by: tuple[str, str] | None = None,
    ) -> None:
        super().__init__(reason)
        self.kind = kind
        self.reason = reason
        self.status = status
        self.phase = phase
        self.caused_by = caused_by


def parsing(reason: str) -> Rejection:
    return Rejection("parsing_exception", reason)


def argument(reason: str) -> Rejection:
    return Rejection("illegal_argument_exception", reason)


def shard(reason: str, cause: str = "") -> Rejection:
    """A query that parses and that a shard cannot run."""
    caused_by = ("illegal_argument_exception", cause) if cause else None
    return Rejection("query_shard_exception", reason, phase=True, caused_by=caused_by)
