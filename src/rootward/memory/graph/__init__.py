"""What depends on what, who owns it, where it is watched and what happened to it: each edge with its sources, certainty and age.

`scan` asks back ends cheap questions and `reading` turns answers into sightings (one source's word about one edge); the file keeps
them; `model` puts sightings together to a graph. Does not belong here: drawing, deciding what is at fault.
"""
