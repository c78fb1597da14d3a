"""Test doubles of those that a job talks to: a peer and a modality whose answers wait for us."""
