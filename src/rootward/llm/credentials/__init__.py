"""Proof of who we are for clouds that want more than a key: their own libraries find it, fetched only when it is needed."""
