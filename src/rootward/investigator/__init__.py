"""Alert to finding within a budget: frame, probe, hypothesise, test, conclude.

Speaks only the protocols of `signals`; which back end answers is wired in `apps`. A finding is produced whatever fails.
Does not belong here: vendors, settings, delivery of findings, models' wire formats.
"""
