"""Automata of the gated job: the specification's, their complete tests, and learned ones."""
