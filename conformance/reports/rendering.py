"""Pages of the templates beside: each is one file that needs no other."""

from __future__ import annotations

from typing import Any


def rendered(template: str, **values: Any) -> str:
    """The page. All values are text to the template, which escapes them, but for `Markup`."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("conformance.reports", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(template).render(**values)
