"""Lambda entry of insights: HTTP."""

from lambdas.insights.api import create_app
from shared.http.entry import make_handler

handler = make_handler(create_app)
