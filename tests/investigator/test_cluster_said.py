"""What containers say: every wording is heard, although most lines are told apart by a cheap look."""

import pytest

from rootward.investigator.causal.cluster import said

WORDINGS = {
    "db_read_only": (
        "--super-read-only option", "--read-only option", "super_read_only is on", "in a read-only transaction",
        "READONLY You can't write against a read only replica", "database is in read-only mode", "database is read only",
        "Cannot execute statement in a READ ONLY transaction", "not primary and slaveOk=false",
    ),
    "db_credentials": (
        "Access denied for user 'shop'@'10.0.0.7' (using password: YES)", "password authentication failed for user", "WRONGPASS invalid",
        "NOAUTH Authentication required", "SASL authentication failed", "AuthenticationFailed", "Login failed for user",
    ),
    "pool_exhaustion": ("Too many connections", "remaining connection slots are reserved", "sorry, too many clients already"),
    "port_conflict": ("Address already in use", "EADDRINUSE", "Port 80 was already in use", "bind() to 0.0.0.0:80 failed (98: …)"),
    "mesh_policy_denied": ("RBAC: access denied",),
    "disk_full": ("No space left on device", "ENOSPC", "Disk quota exceeded"),
    "volume_permission": ("Permission denied", "EACCES", "Read-only file system", "EROFS"),
    "certificate_expiry": ("certificate has expired", "certificate is not yet valid", "CERT_HAS_EXPIRED"),
    "memory_leak": ("java.lang.OutOfMemoryError: heap", "JavaScript heap out of memory", "MemoryError"),
}  # fmt: skip


def test_every_saying_has_its_wordings_here() -> None:
    assert set(WORDINGS) == {one.fault for one in said.SAYINGS}


@pytest.mark.parametrize(("fault", "line"), [(fault, line) for fault, lines in WORDINGS.items() for line in lines])
def test_a_wording_is_heard(fault: str, line: str) -> None:
    assert fault in {one.fault for one in said.SAYINGS if one.pattern.search(line)}
    assert said.says(line)


def test_an_ordinary_line_says_nothing() -> None:
    assert not said.says("GET /cart 200 in 12 ms")
    assert not said.says("authentication took 3 ms")
