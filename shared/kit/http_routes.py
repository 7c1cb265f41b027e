"""What an address takes, as its routes declare it: its methods and its query parameters; and how it says no."""

from http import HTTPStatus
from typing import Final

from fastapi import Request, Response
from fastapi.dependencies.models import Dependant
from starlette.exceptions import HTTPException
from starlette.routing import Match

from shared.contracts.refusals import Refusal
from shared.kit import problems
from shared.kit.http_boundary import CONTEXT_KEY, METHODS, RequestContext, problem_response

QUERY_NAME_CHARACTERS_MAX: Final = 64
"""So much of an unknown parameter's name is repeated."""


async def answer_problem(request: Request, error: Exception) -> Response:
    """The problem+json answer to what a route or the routing raised."""
    context: RequestContext = request.scope[CONTEXT_KEY]
    if isinstance(error, HTTPException) and error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        error.headers = {"allow": ", ".join(_methods_at(request))}
    return problem_response(error, context)


def require_known_query(request: Request) -> None:
    """Raises Refusal (422) for a query parameter that the route does not declare."""
    known = _query_names(request.scope["route"].dependant)
    unknown = next((name for name in request.query_params if name not in known), None)
    if unknown is not None:
        name = unknown[:QUERY_NAME_CHARACTERS_MAX].encode("utf-8", "replace").decode()
        raise Refusal(problems.QUERY_UNKNOWN, name=name, known=", ".join(sorted(known)) or "-")


def _methods_at(request: Request) -> list[str]:
    """What the address takes: each method of a path may have a route of its own."""
    return [
        method
        for method in sorted(METHODS)
        if any(route.matches({**request.scope, "method": method})[0] is Match.FULL for route in request.app.routes)
    ]


def _query_names(dependant: Dependant) -> frozenset[str]:
    """Query parameters that a route or what it depends on declares."""
    own = (field.alias for field in dependant.query_params)
    return frozenset(own).union(*(_query_names(inner) for inner in dependant.dependencies))
