"""Is this server right? The kit that holds a live server to ``spec``."""
