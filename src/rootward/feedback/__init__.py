"""Notes, clicks, verdicts and suggestions: what came back from people and the world; the only writer of memory. (From issue 4.)"""
