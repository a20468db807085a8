"""How every page of this package is rendered: strictly, and with whatever came from production escaped."""

import jinja2


def environment() -> jinja2.Environment:
    """Over the templates beside this file; a name that a template misses is an error."""
    return jinja2.Environment(
        loader=jinja2.PackageLoader("rootward.apps.report", "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
