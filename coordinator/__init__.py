"""legacy-tc: a Zigbee Trust Center as old, as wrong or as compliant as you ask."""

__version__ = "0.1.0"
