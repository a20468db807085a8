"""Public incident data sets, in their authors' layout, turned into scenarios with sealed truth: one file per data set."""
