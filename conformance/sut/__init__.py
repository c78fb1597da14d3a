"""The system under test: how it is asked, what is known of it, and how one of our own is run."""
