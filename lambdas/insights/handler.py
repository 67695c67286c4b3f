"""Lambda entry of insights: HTTP by API Gateway."""

from lambdas.insights.api import create_app
from shared.http.entry import make_handler

handler = make_handler(create_app)
