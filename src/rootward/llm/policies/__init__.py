"""What is wanted around a model, whichever it is: each a file, each a model itself, put around another in any number."""
