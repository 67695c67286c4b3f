"""Serves /train and /status: starts training runs, reports on them and cancels them."""
