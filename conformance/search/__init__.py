"""Strategies that make their own sequences: random ones, and complete sets; and shrinking."""
