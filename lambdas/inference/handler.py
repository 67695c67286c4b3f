"""Lambda entry of the inference service."""

from lambdas.inference.api import create_app
from shared.http.entry import make_handler

handler = make_handler(create_app)
