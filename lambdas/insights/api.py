"""The HTTP app of insights."""

from collections.abc import Callable

from fastapi import FastAPI

from lambdas.insights import overview_routes, product_routes, review_routes, trend_routes
from lambdas.insights.dependencies import Dependencies, build_dependencies
from shared.db.connection import Database
from shared.db.health import database_health
from shared.http.app import create_service, service_version
from shared.schemas.health import Health


def create_app(get_dependencies: Callable[[], Dependencies] = build_dependencies) -> FastAPI:
    """Create the insights app; the first request builds its dependencies."""

    def database() -> Database:
        return get_dependencies().database

    def health() -> Health:
        return database_health(database(), "insights", service_version())

    app = create_service(
        "insights", title="Reviewlens insights", health=health, start=get_dependencies
    )
    for routes in (overview_routes, trend_routes, product_routes, review_routes):
        routes.add_routes(app, database)
    return app
