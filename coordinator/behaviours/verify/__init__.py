"""Whether a Verify-Key is answered."""
