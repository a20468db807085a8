"""Guidance, skills and facts: scope, recall, decay; written only by `feedback`. (From issue 3.)"""
