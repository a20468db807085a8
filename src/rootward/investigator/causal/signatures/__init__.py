"""What families of faults look like across signals: one small file per family, each a pure function from the picture to clues."""
