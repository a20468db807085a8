"""The catalogue of faults, one small file per family; each turns knobs of the world model and seals its truth."""
