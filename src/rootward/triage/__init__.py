"""Which classes of alerts we solve, can learn, will not solve; when to speak and when to keep quiet.

`answers` reads what is known of answers whose truth is known, `fitting` makes a calibration table of them and certifies its thresholds, `tradeoff`
says what speaking from each threshold on brings and costs, `reports` shows it. Does not belong here: using the table (`investigator.confidence`).
"""
