"""Every step of every run, ours or anyone's over OTLP: store, condense, tasks, heat map. (From issue 5.)"""
