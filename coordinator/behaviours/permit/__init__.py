"""Where the permit bit and the association disagree."""
