"""The servers under test, and the gate that their jobs wait at."""
