"""Which spans the libraries inside a process add to those of its requests and calls, by runtime, framework and the system's habits.

Sources: the lists of instrumented libraries of OpenTelemetry's Java agent (controllers, Spring Data repositories, Hibernate sessions,
JDBC data sources, @WithSpan), of opentelemetry-js-contrib (express, nestjs-core, fastify, pg-pool, dns, net), of
opentelemetry-python-contrib (asgi, sqlalchemy), of otelhttptrace and otelsql for Go, of the web-server module of
opentelemetry-cpp-contrib for nginx, and Prisma's page on tracing. How much of it is switched on is drawn per system, which framework a
component uses per component: real systems differ in just that.
"""

import dataclasses
import re
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from rootward.dojo.world import blueprint as bp
from rootward.dojo.world import statements


@dataclasses.dataclass(frozen=True, slots=True)
class Inner:
    """A span inside a process. `under` is the place in its recipe of the span it hangs under (-1: the span that the recipe is about).
    One that `wraps` covers that span nearly; others are short, about `ms` or a `share` of the own time, before (`late` false) or after
    what the process waits for."""

    name: str
    under: int = -1
    wraps: bool = False
    ms: float = 0.1
    share: float = 0.0
    late: bool = False
    chance: float = 1.0
    attributes: Mapping[str, Any] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True, slots=True)
class Recipe:
    """`holder`: the one of `spans` under which calls hang; -1: the span that the recipe is about."""

    spans: tuple[Inner, ...] = ()
    holder: int = -1


@dataclasses.dataclass(frozen=True, slots=True)
class Habits:
    """Of one system, 0 to 1: how many `layers` of its code have spans, how many `details` beside them; and whether its nginx has any
    at all (`edge`), which ingress controllers leave off by default."""

    layers: float
    details: float
    edge: bool


NOTHING = Recipe()
FRAMEWORKS = {
    "java": ("mvc", "mvc", "webflux"),
    "node": ("express", "express", "nest", "fastify"),
    "python": ("fastapi", "fastapi", "flask"),
    "go": ("mux",),
    "nginx": ("nginx",),
}
MIDDLEWARE = ("corsMiddleware", "helmetMiddleware", "compression", "cookieParser", "session", "jsonParser",
  "urlencodedParser", "authenticate", "logger", "rateLimit", "<anonymous>")  # fmt: skip
EDGE = 0.55
PHASES = ("ngx_http_realip_module", "ngx_http_rewrite_module", "ngx_http_limit_conn_module", "ngx_http_limit_req_module",
  "ngx_http_access_module", "ngx_http_auth_request_module", "ngx_http_mirror_module")  # fmt: skip
VERBS = {
    "GET": ("get", "find", "load"),
    "POST": ("create", "submit", "handle"),
    "PUT": ("update",),
    "DELETE": ("remove",),
}
WORK = (
    "validate",
    "enrich",
    "serialize",
    "authorize",
    "render",
    "convert",
    "calculate",
    "normalize",
    "decode",
    "applyRules",
)


def camel(name: str) -> str:
    """`order-history` → `OrderHistory`."""
    return "".join(part[:1].upper() + part[1:] for part in re.split(r"[^A-Za-z0-9]+", name))


def habits(rng: np.random.Generator) -> Habits:
    """What one system has switched on."""
    return Habits(float(rng.beta(1.4, 0.6)), float(rng.beta(0.6, 1.6)), bool(rng.uniform() < EDGE))


def server(component: bp.Component, habits: Habits, rng: np.random.Generator) -> Recipe:
    """What a component's server spans contain, calls aside."""
    choices = FRAMEWORKS.get(component.language, ("mux",))
    framework = choices[int(rng.integers(0, len(choices)))]
    if component.consumer or (component.style == "grpc" and framework != "nginx"):
        framework = "mux"
    found = _BY_FRAMEWORK[framework](component, habits, rng)
    return _own_functions(component, found, habits, rng)


def _mux(component: bp.Component, habits: Habits, rng: np.random.Generator) -> Recipe:
    del component, habits, rng
    return NOTHING


def _controller(component: bp.Component, habits: Habits, rng: np.random.Generator) -> Recipe:
    if rng.uniform() > habits.layers:
        return NOTHING
    spans = [_code(f"{camel(component.name)}Controller", _method(component, rng), -1)]
    if rng.uniform() < 0.5 * habits.layers:
        spans.append(_code(f"{camel(component.name)}ServiceImpl", _method(component, rng), 0))
    return Recipe(tuple(spans), len(spans) - 1)


def _webflux(component: bp.Component, habits: Habits, rng: np.random.Generator) -> Recipe:
    """A reactive handler's span stands beside the calls that it has caused."""
    if rng.uniform() > habits.layers:
        return NOTHING
    return Recipe((_code(f"{camel(component.name)}Handler", _method(component, rng), -1),))


def _express(component: bp.Component, habits: Habits, rng: np.random.Generator) -> Recipe:
    """Layers are children of the request's span, as are the calls that the handler makes; the handler's span ends with the response."""
    path = component.routes[0].path
    chosen = rng.permutation(len(MIDDLEWARE))[: int(rng.integers(0, 1 + round(8 * habits.details)))]
    layers = [Inner("middleware - query", ms=0.1), Inner("middleware - expressInit", ms=0.15)]
    layers += [Inner(f"middleware - {MIDDLEWARE[int(k)]}", ms=float(rng.uniform(0.05, 1.2))) for k in chosen]
    kind = {"express.type": "request_handler", "http.route": path}
    return Recipe((*layers, Inner(f"request handler - {path}", wraps=True, attributes=kind)))


def _nest(component: bp.Component, habits: Habits, rng: np.random.Generator) -> Recipe:
    method = _method(component, rng)
    outer = Inner(
        f"{camel(component.name)}Controller.{method}", wraps=True, attributes={"nestjs.type": "request_context"}
    )
    if rng.uniform() > 0.3 + habits.layers:
        return Recipe((outer,), 0)
    return Recipe((outer, Inner(method, under=0, wraps=True, attributes={"nestjs.type": "handler"})), 1)


def _fastify(component: bp.Component, habits: Habits, rng: np.random.Generator) -> Recipe:
    del component
    hooks = tuple(
        Inner(f"hook - {name}", ms=0.06) for name in ("onRequest", "preHandler", "onSend")[: int(4 * habits.details)]
    )
    return (
        Recipe((*hooks, Inner("request handler - fastify", wraps=True)), len(hooks)) if rng.uniform() < 0.8 else NOTHING
    )


def _fastapi(component: bp.Component, habits: Habits, rng: np.random.Generator) -> Recipe:
    del habits
    route = component.routes[0]
    name, parts = f"{route.method} {route.path}", []
    if route.method != "GET" or rng.uniform() < 0.3:
        parts.append(Inner(f"{name} http receive", ms=0.04, attributes={"asgi.event.type": "http.request"}))
    parts.append(Inner(f"{name} http send", ms=0.09, late=True, attributes={"asgi.event.type": "http.response.start"}))
    parts.append(Inner(f"{name} http send", ms=0.03, late=True, attributes={"asgi.event.type": "http.response.body"}))
    return Recipe(tuple(parts))


def _nginx(component: bp.Component, habits: Habits, rng: np.random.Generator) -> Recipe:
    del component
    if rng.uniform() > 0.7 * habits.details:
        return NOTHING
    count = int(rng.integers(2, len(PHASES) + 1))
    return Recipe(tuple(Inner(name, ms=float(rng.uniform(0.005, 0.05))) for name in PHASES[:count]))


_BY_FRAMEWORK: dict[str, Callable[[bp.Component, Habits, np.random.Generator], Recipe]] = {
    "mux": _mux,
    "mvc": _controller,
    "webflux": _webflux,
    "express": _express,
    "nest": _nest,
    "fastify": _fastify,
    "fastapi": _fastapi,
    "flask": _mux,
    "nginx": _nginx,
}


def _own_functions(component: bp.Component, recipe: Recipe, habits: Habits, rng: np.random.Generator) -> Recipe:
    """Spans that the component's authors added by hand around their own work, one inside the other now and then."""
    if component.language == "nginx":
        return recipe
    spans, holder = list(recipe.spans), recipe.holder
    if not spans and rng.uniform() < 0.6 * habits.layers:  # what a framework does elsewhere is done by hand
        spans, holder = [_code(camel(component.name), _method(component, rng), -1)], 0
    authored = len(spans)
    for _ in range(int(rng.binomial(4, 0.04 + 0.4 * habits.details))):
        name = f"{WORK[int(rng.integers(0, len(WORK)))]}{camel(component.name)}"
        nested = len(spans) > authored and rng.uniform() < 0.6
        under = len(spans) - 1 if nested else holder
        share = spans[under].share * 0.7 if nested else float(10.0 ** rng.uniform(-1.7, -0.5))
        late = spans[under].late if nested else bool(rng.uniform() < 0.5)
        spans.append(Inner(name, under=under, share=share, late=late, chance=float(rng.choice([1.0, 1.0, 0.6, 0.15]))))
    return Recipe(tuple(spans), holder)


def _method(component: bp.Component, rng: np.random.Generator) -> str:
    route = component.routes[0]
    choices = VERBS.get(route.method, ("process",))
    parts = [part for part in route.path.split("/") if part and not part.startswith("{")]
    return choices[int(rng.integers(0, len(choices)))] + camel(parts[-1] if parts else component.name)


def _code(owner: str, method: str, under: int) -> Inner:
    named = {"code.namespace": owner, "code.function": method}
    return Inner(f"{owner}.{method}", under=under, wraps=True, attributes=named)


def client(caller: bp.Component, call: bp.Call, habits: Habits, rng: np.random.Generator) -> tuple[Recipe, Recipe]:
    """What stands around a client span (outermost first, all of them wrapping) and what inside it."""
    if call.protocol == "sql":
        return _SQL.get(caller.language, _no_store)(call, habits, rng)
    if call.protocol == "http" and caller.language == "go" and rng.uniform() < 0.7 * habits.details:
        names = ("http.getconn", "http.send", "http.receive")
        return NOTHING, Recipe(tuple(Inner(name, ms=0.05, late=name == "http.receive") for name in names))
    if call.protocol in ("http", "redis") and caller.language == "node" and rng.uniform() < habits.details:
        often = float(rng.uniform(0.02, 0.4))  # of the calls that find no idle connection
        return NOTHING, Recipe((Inner("dns.lookup", ms=0.4, chance=often), Inner("tcp.connect", ms=0.7, chance=often)))
    return NOTHING, NOTHING


def _entity(call: bp.Call) -> tuple[str, str, str]:
    """Verb, table and the class that is mapped to it."""
    table = statements.table_of(call.operation)
    return call.operation.split(" ")[0], table, camel(table.removesuffix("s"))


def _jpa(call: bp.Call, habits: Habits, rng: np.random.Generator) -> tuple[Recipe, Recipe]:
    verb, _, entity = _entity(call)
    if rng.uniform() > habits.layers:
        return NOTHING, NOTHING
    column = re.search(r"WHERE (\w+)", call.operation)
    method = (
        f"findBy{camel(column.group(1))}" if column and verb == "SELECT" else {"SELECT": "findAll"}.get(verb, "save")
    )
    around = [_code(f"{entity}Repository", method, -1)]
    if rng.uniform() < 0.8:
        around.append(Inner(f"{verb} {entity}", under=0, wraps=True))
    if rng.uniform() < 0.35:
        around.append(Inner("Transaction.commit", under=0, ms=0.5, late=True))
    if rng.uniform() < 0.6 * habits.details:
        around.append(Inner("HikariDataSource.getConnection", under=0, ms=0.06))
    return Recipe(tuple(around), 1 if len(around) > 1 and around[1].wraps else 0), NOTHING


def _prisma(call: bp.Call, habits: Habits, rng: np.random.Generator) -> tuple[Recipe, Recipe]:
    if rng.uniform() > 0.7 * habits.layers:
        return Recipe((Inner("pg-pool.connect", ms=0.05, chance=0.9),)), NOTHING
    verb, _, entity = _entity(call)
    named = {"method": "findMany" if verb == "SELECT" else "create", "model": entity}
    around = (
        Inner("prisma:client:operation", wraps=True, attributes=named),
        Inner("prisma:engine", under=0, wraps=True),
        Inner("prisma:client:serialize", under=0, ms=0.08),
        Inner("prisma:engine:connection", under=1, ms=0.12),
        Inner("prisma:engine:serialize", under=1, ms=0.04, late=True),
    )
    return Recipe(around, 1), NOTHING


def _otelsql(call: bp.Call, habits: Habits, rng: np.random.Generator) -> tuple[Recipe, Recipe]:
    verb, table, entity = _entity(call)
    around = [Inner(f"store.{verb.capitalize()}{entity}", wraps=True)] if rng.uniform() < 0.5 * habits.layers else []
    under = len(around) - 1
    if rng.uniform() < habits.details:
        around.append(Inner("sql.conn.reset_session", under=under, ms=0.02, chance=0.8))
        around.append(Inner("sql.rows", under=under, ms=0.06, late=True))
    del table
    return Recipe(tuple(around), under), NOTHING


def _sqlalchemy(call: bp.Call, habits: Habits, rng: np.random.Generator) -> tuple[Recipe, Recipe]:
    if rng.uniform() > habits.layers:
        return NOTHING, NOTHING
    verb, table, _ = _entity(call)
    return Recipe((Inner(f"{verb} {table}", wraps=True), Inner("connect", ms=0.05, chance=0.7)), 0), NOTHING


def _no_store(call: bp.Call, habits: Habits, rng: np.random.Generator) -> tuple[Recipe, Recipe]:
    del call, habits, rng
    return NOTHING, NOTHING


_SQL: dict[str, Callable[[bp.Call, Habits, np.random.Generator], tuple[Recipe, Recipe]]] = {
    "java": _jpa,
    "node": _prisma,
    "go": _otelsql,
    "python": _sqlalchemy,
}
