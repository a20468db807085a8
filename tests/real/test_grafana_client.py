"""The Grafana client library against the Grafana face over a world."""

import client_operations
import dojo_server
import pytest

pytestmark = pytest.mark.filterwarnings("default")  # other people's libraries warn about their own dependencies
REASON = "not installed (pip install 'rootward[real]'): the face was not tried with this client"
grafana_client = pytest.importorskip("grafana_client", reason=REASON)
CLIENT = "grafana-client"
operations = client_operations.Operations("grafana")


@pytest.fixture(scope="module")
def api():
    with dojo_server.serving_world() as (address, _, _):
        made = grafana_client.GrafanaApi.from_url(f"{address}/grafana/", credential="glsa_x", timeout=30)
        yield made
        made.client.s.close()


@operations.of(CLIENT, "health.check, version, organization, user")
def _(api):
    assert api.health.check()["version"].startswith("11.")
    assert api.version.startswith("11.")
    assert api.organization.get_current_organization()["name"] == "Main Org."


@operations.of(CLIENT, "datasource: list, get by uid, name and id, health")
def _(api):
    listed = api.datasource.list_datasources()
    assert {"prometheus", "loki", "tempo"} <= {one["type"] for one in listed}
    one = api.datasource.get_datasource_by_name("Prometheus")
    assert api.datasource.get_datasource_by_uid(one["uid"])["id"] == one["id"]
    assert api.datasource.get_datasource_by_id(one["id"])["uid"] == one["uid"]
    assert api.datasource.health(one["uid"])["status"] == "OK"


@operations.of(CLIENT, "POST /ds/query (Prometheus, Loki)")
def _(api):
    for name, expr in (("Prometheus", "up"), ("Loki", '{app=~".+"}')):
        source = {"uid": api.datasource.get_datasource_by_name(name)["uid"]}
        query = {"refId": "A", "datasource": source, "expr": expr}
        body = {"queries": [query], "from": "now-10m", "to": "now"}
        assert api.client.POST("/ds/query", json=body)["results"]["A"]["frames"]


@operations.of(CLIENT, "search, dashboard.get_dashboard, get_dashboards_tags")
def _(api):
    hits = api.search.search_dashboards(type_="dash-db")
    assert hits
    board = api.dashboard.get_dashboard(hits[0]["uid"])["dashboard"]
    assert board["panels"]
    assert {"service"} <= {one["term"] for one in api.dashboard.get_dashboards_tags()}


@operations.of(CLIENT, "annotations.get_annotation, folder.get_all_folders")
def _(api):
    assert api.annotations.get_annotation(limit=5)
    assert api.folder.get_all_folders() == []


@operations.of(CLIENT, "errors: not found, forbidden")
def _(api):
    from grafana_client.client import GrafanaClientError

    with pytest.raises(GrafanaClientError, match="not found"):
        api.dashboard.get_dashboard("none")
    with pytest.raises(GrafanaClientError):
        api.dashboard.update_dashboard({"dashboard": {"title": "x"}})


def test_the_table_lists_every_operation():
    operations.check_table()


@pytest.mark.parametrize("name", list(operations.found), ids=" · ".join)
def test_operation(api, name):
    operations.found[name](api)
