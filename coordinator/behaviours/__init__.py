"""One Trust Center misbehaviour a file; the module path below this package is its name in the catalogue."""
