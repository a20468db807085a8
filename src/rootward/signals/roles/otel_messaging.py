"""OpenTelemetry messaging conventions: publishing, receiving and processing (opentelemetry.io/docs/specs/semconv/messaging)."""

from rootward.signals import entities
from rootward.signals.roles import measures, rules, table
from rootward.signals.roles.role import Role

_QUEUE = rules.EntityRule(
    tuple(
        rules.EntityLabel(label, entities.EntityKind.QUEUE)
        for label in (
            "messaging_destination_name",
            "messaging_destination",
            "messaging_destination_template",
            "messaging_system",
        )
    ),
    namespaces=(),
    pods=False,
)
_BROKER = (table.View(_QUEUE, observer=rules.SERVICE, name="client"),)
_UNIT = r"(_seconds|_milliseconds)?"

CONVENTION = table.Convention(
    "OpenTelemetry messaging",
    (
        table.pattern(rf"messaging_process_duration{_UNIT}", measures.requests(statuses=("error_type",))),
        table.pattern(r"messaging_client_consumed_messages(_total)?", measures.requests(duration=False)),
        table.pattern(
            rf"messaging_(publish|client_operation|receive)_duration{_UNIT}",
            measures.requests(statuses=("error_type",)),
            views=_BROKER,
        ),
        table.pattern(
            r"messaging_(client_published|client_sent|publish)_messages(_total)?",
            measures.counter(Role.QUEUE_PUBLISH_RATE, unit="{message}/s"),
            views=_BROKER,
        ),
    ),
)
