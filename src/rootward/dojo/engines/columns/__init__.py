"""Records (log lines, spans, events) as columns: what every search engine of the faces selects, sorts and counts over.

One row is one record; a field is one array. A query becomes a mask over rows in a few array operations, whatever the language.
"""
