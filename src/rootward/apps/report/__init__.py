"""How a finding looks to people: on a terminal (rich, sparklines) and as one self-contained HTML page. Renders, never judges."""
