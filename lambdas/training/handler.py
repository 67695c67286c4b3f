"""Lambda entry of training: HTTP."""

from lambdas.training.api import create_app
from shared.http.entry import make_handler

handler = make_handler(create_app)
