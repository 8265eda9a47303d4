"""What commands do: each handler takes a validated request and does it to the session that is up."""
