"""What the Confirm-Key says, and when."""
