"""What is right: Orthanc's jobs engine as an executable, checkable specification.

Pure: nothing in this package touches a network, a clock or a thread, and nothing in it
imports anything of this project from outside ``spec``.
"""
