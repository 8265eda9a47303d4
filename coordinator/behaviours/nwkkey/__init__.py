"""How the network key reaches a joiner."""
