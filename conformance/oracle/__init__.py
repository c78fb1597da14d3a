"""All that judges: what was seen against what the specification allows."""
