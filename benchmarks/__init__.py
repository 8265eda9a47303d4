"""How fast and how lean: ``python -m benchmarks`` measures this machine and asserts nothing."""
