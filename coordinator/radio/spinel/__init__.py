"""The OpenThread RCP: every frame is ours. The one door to aiospinel."""
