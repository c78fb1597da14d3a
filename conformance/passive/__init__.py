"""The oracle without control: histories that somebody else made, judged by the same table."""
