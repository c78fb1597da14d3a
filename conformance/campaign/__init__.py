"""One run: its cases on its servers, the verdicts, what is recorded, accepted and covered."""
