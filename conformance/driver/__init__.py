"""Bringing jobs of a live server to where a case wants them, step by step."""
