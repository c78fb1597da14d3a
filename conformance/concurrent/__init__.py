"""Requests that several clients make at the same moment, and whether any order explains them."""
