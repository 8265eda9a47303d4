"""The control plane over HTTP: commands, events, documents, metrics. The one door of aiohttp."""
