"""Configuration of the daemon: one TOML file, conf.d beside it, the environment, options; in this order."""
