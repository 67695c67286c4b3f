"""Compares a candidate with the current model on the same rows: may it take its place?"""
