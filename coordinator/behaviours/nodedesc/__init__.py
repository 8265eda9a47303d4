"""What the Trust Center says of itself in its node descriptor."""
