"""Certificates and probes: blackbox_exporter, x509-certificate-exporter, cert-manager, ssl_exporter."""

from rootward.signals import entities
from rootward.signals.roles import measures, rules, table
from rootward.signals.roles.role import Role

_SERVICE = entities.EntityKind.SERVICE
_TARGET = rules.EntityRule(
    (
        rules.EntityLabel("service", _SERVICE),
        rules.EntityLabel("target", _SERVICE, as_host=True),
        rules.EntityLabel("instance", _SERVICE, as_host=True),
    ),
    pods=False,
)
_SECRET = rules.EntityRule(
    (
        rules.EntityLabel("service", _SERVICE),
        rules.EntityLabel("secret_name", _SERVICE, strip=("-tls", "-cert")),
        rules.EntityLabel("name", _SERVICE, strip=("-tls", "-cert")),
        rules.EntityLabel("subject_CN", _SERVICE, as_host=True),
        rules.EntityLabel("cn", _SERVICE, as_host=True),
    ),
    namespaces=("secret_namespace", "exported_namespace", "namespace"),
    pods=False,
)
_EXPIRY = measures.gauge(Role.TLS_EXPIRY, combine=table.Combine.UNTIL, across="min", unit="s")
_ON_SECRET = (table.View(_SECRET),)

CONVENTION = table.Convention(
    "certificates and probes",
    (
        table.pattern(r"probe_ssl_(earliest|last_chain)_(cert_expiry|expiry_timestamp_seconds)", _EXPIRY),
        table.pattern(r"ssl_cert_not_after", _EXPIRY),
        table.pattern(
            r"x509_cert_not_after|certmanager_certificate_expiration_timestamp_seconds", _EXPIRY, views=_ON_SECRET
        ),
        table.pattern(
            r"x509_cert_expires_in_seconds", measures.gauge(Role.TLS_EXPIRY, across="min", unit="s"), views=_ON_SECRET
        ),
        table.pattern(
            r"certmanager_certificate_ready_status",
            measures.gauge(Role.OTHER, matchers=(table.matcher("condition", "=", "True"),)),
            views=_ON_SECRET,
        ),
        table.pattern(r"probe_success", measures.gauge(Role.AVAILABILITY, across="min", unit="1")),
        table.pattern(r"probe_duration_seconds", measures.gauge(Role.DURATION_MEAN, across="max", unit="s")),
        table.pattern(r"probe_dns_lookup_time_seconds", measures.gauge(Role.DNS_DURATION, across="max", unit="s")),
        table.pattern(r"(probe|x509|certmanager|ssl)_.*"),
    ),
    views=(table.View(_TARGET),),
)
