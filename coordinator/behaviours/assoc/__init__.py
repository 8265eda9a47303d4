"""How an association is refused."""
