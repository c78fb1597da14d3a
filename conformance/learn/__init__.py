"""The automaton that a live server turns out to be, and how it differs from the specified one."""
