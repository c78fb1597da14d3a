"""What somebody who writes a test may do to a server, beside what any client may.

``controls`` is all of it in Python, ``api`` the same over REST below ``/_control/``; ``steps``
holds and ends the steps of jobs, ``disturbances`` spoils answers.
"""
