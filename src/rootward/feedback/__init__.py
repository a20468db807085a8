"""What came back from people and from the world: notes, clicks, verdicts, suggestions; the only writer of memory.

`remembering` is the door through which guidance, facts and past incidents reach memory. Does not belong here: reading memory for an
investigation (`memory`), deciding, delivering findings.
"""
