"""Aspects: what models read in reviews, counts, queries."""
