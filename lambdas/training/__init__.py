"""Starts trainings, tells how they stand, stops them: /train and /status."""
