"""RPC: OpenTelemetry's semantic conventions and the gRPC middleware's own counters (grpc-ecosystem/go-grpc-middleware)."""

from rootward.signals.roles import measures, rules, table
from rootward.signals.roles.role import Role

_STATUS = ("rpc_grpc_status_code",)
_CLIENT = (table.View(rules.CALLEE, observer=rules.SERVICE, name="client"),)
_UNIT = r"(_seconds|_milliseconds|_ms)?"

CONVENTION = table.Convention(
    "RPC",
    (
        table.pattern(rf"rpc_server_(call_)?duration{_UNIT}", measures.requests(statuses=_STATUS)),
        table.pattern(rf"rpc_client_(call_)?duration{_UNIT}", measures.requests(statuses=_STATUS), views=_CLIENT),
        table.pattern(r"grpc_server_handled_total", measures.requests(duration=False, statuses=("grpc_code",))),
        table.pattern(r"grpc_server_handling_seconds", measures.durations()),
        table.pattern(
            r"grpc_client_handled_total", measures.requests(duration=False, statuses=("grpc_code",)), views=_CLIENT
        ),
        table.pattern(r"grpc_client_handling_seconds", measures.durations(), views=_CLIENT),
        table.pattern(r"grpc_client_(attempt_)?retries_total", measures.counter(Role.RETRIES, unit="{request}/s")),
        table.pattern(r"(grpc|rpc)_(server|client)_(started|msg_sent|msg_received)_total"),
        table.pattern(r"rpc_(server|client)_(request|response)(s_per_rpc|_size)(_bytes)?"),
    ),
)
