"""What the beacon promises."""
