"""Semantic operators over records, one operator one file; plan, run, cache, resume. (From issue 6.)"""
