"""Packaging of functions and jobs: the table of assets, their files, zips and images."""
