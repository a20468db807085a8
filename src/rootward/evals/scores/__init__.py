"""What is measured of every reply, one file each: a `MEASURE` that says what it means, and `score(graded)`, None where it does not apply.

A new score is a new file and its name in `registry.FILES`, whose order is the order of reports.
"""
