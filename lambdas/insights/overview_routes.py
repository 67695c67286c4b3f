"""HTTP route of the overview."""

from collections.abc import Callable
from typing import Annotated

from fastapi import FastAPI, Query

from lambdas.insights.overview import OverviewReader
from lambdas.insights.parameters import Category
from shared.db.connection import Database
from shared.schemas.overview import DEFAULT_DAYS, Overview
from shared.schemas.values import QUERY_INTEGER


def add_routes(app: FastAPI, database: Callable[[], Database]) -> None:
    """Add GET /overview."""

    @app.get("/overview", tags=["insights"])
    def overview(
        category: Category = None,
        days: Annotated[
            int,
            Query(
                ge=1,
                le=3650,
                description="Length of the two periods that are compared; the newer one ends on"
                " the day of the newest review.",
            ),
            QUERY_INTEGER,
        ] = DEFAULT_DAYS,
    ) -> Overview:
        """What matters first: how things are, what changed, what it costs, and what waits.

        Reviews and sentiment now against the period before; products that became worse or better
        with the aspect that explains it; the aspects whose complaints cost most stars; and work
        that is not done. Each figure has a link to its reviews.
        """
        return OverviewReader(database()).overview(category, days)
