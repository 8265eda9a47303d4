"""Whether and when a Request-Key is answered."""
