"""Making a Trust Center another one while it runs, between two frames, at a moment that was asked for.

Sans-IO: records in, switches done in the call that brings the moment. The asyncio session and the
simulated world use the same.
"""
