"""ASGI faces in the vendors' real formats, over telemetry and a clock. Reads only; never imports the truth."""
