"""Which Trust Center link key answers a Request-Key."""
