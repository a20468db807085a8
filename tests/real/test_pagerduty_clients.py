"""PagerDuty's own Python clients, the present and the former, against the PagerDuty face."""

import client_operations
import dojo_server
import pytest

pytestmark = pytest.mark.filterwarnings("default")  # other people's libraries warn about their own dependencies
REASON = "not installed (pip install 'rootward[real]'): the face was not tried with the official client"
pagerduty = pytest.importorskip("pagerduty", reason=REASON)
operations = client_operations.Operations("pagerduty")
NEW, OLD = "pagerduty RestApiV2Client", "pdpyras APISession"
SPAN = {"date_range": "all"}


@pytest.fixture(scope="module")
def apis():
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pdpyras = pytest.importorskip("pdpyras", reason=REASON)
    with dojo_server.serving() as address:
        new = pagerduty.RestApiV2Client("key", default_from="ana@acme.com")
        new._url = f"{address}/pagerduty"  # its own setter takes https only; see the last operation
        old = pdpyras.APISession("key", default_from="ana@acme.com")
        old.url = f"{address}/pagerduty"
        yield {NEW: new, OLD: old}


def latest(api):
    return next(one for one in api.list_all("incidents", params=SPAN) if one["incident_number"] == 12)


def both(operation):
    def register(function):
        for client in (NEW, OLD):
            operations.of(client, operation)(lambda apis, client=client: function(apis[client]))
        return function

    return register


@both("list_all, iter_all: incidents, services, users, change events")
def _(api):
    assert [one["incident_number"] for one in api.iter_all("incidents", params=SPAN, page_size=1)] == [11, 12]
    assert {one["name"] for one in api.list_all("services")} == {"checkout", "frontend"}
    assert "ana" in {one["name"] for one in api.list_all("users")}
    assert [one["id"] for one in api.list_all("change_events", params=SPAN)] == ["01CHANGE1"]


@both("rget: an incident, its alerts and log entries")
def _(api):
    identity = latest(api)["id"]
    assert api.rget(f"/incidents/{identity}")["title"] == "HighErrors on checkout"
    assert api.rget(f"/incidents/{identity}/alerts")[0]["body"]["details"]["labels"]["service"] == "checkout"
    assert api.rget(f"/incidents/{identity}/log_entries")[-1]["type"] == "trigger_log_entry"


@both("rput: acknowledge; rpost: a note")
def _(api):
    identity = latest(api)["id"]
    changed = api.rput(f"/incidents/{identity}", json={"type": "incident_reference", "status": "acknowledged"})
    assert changed["status"] == "acknowledged"
    api.rpost(f"/incidents/{identity}/notes", json={"content": "the pool shrank"})
    assert api.rget(f"/incidents/{identity}/notes")[0]["content"] == "the pool shrank"


@both("find a service; errors: 404, 403")
def _(api):
    assert api.find("services", "checkout")["name"] == "checkout"
    assert api.get("/incidents/none").status_code == 404
    assert api.post("/incidents", json={"incident": {}}).status_code == 403


@operations.of(NEW, "an address without TLS")
def _(apis):
    with pytest.raises(pagerduty.errors.UrlError, match="https"):
        pagerduty.RestApiV2Client("key", base_url=apis[NEW]._url)


def test_the_table_lists_every_operation():
    operations.check_table()


@pytest.mark.parametrize("name", list(operations.found), ids=" · ".join)
def test_operation(apis, name):
    operations.found[name](apis)
