"""Octets to values and back: IEEE 802.15.4, Zigbee NWK, APS and ZDP.

Pure functions over immutable values. Codecs describe, they do not judge: whatever decodes encodes
back to the same octets, and `cursor.DecodeError` is the only exception a decode raises.

The clause numbers in this package are cited from general knowledge and unverified against the
documents; the layouts themselves are checked against tshark in `tests/codec`.
"""
