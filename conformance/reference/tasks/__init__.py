"""The kinds of task, one module each family: what a job of each type has to do, and shows of it.

A task holds all that its job needs to go on after a restart, and is made of values only, so that
``records`` can save it as it is.
"""
