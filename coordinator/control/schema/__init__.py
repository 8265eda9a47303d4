"""Every command, event and document of the control plane, declared once as typed models.

MQTT payloads, HTTP bodies, `legacy-tc request`, the JSON Schemas and the AsyncAPI document come from here.
Requests refuse what they do not know; everything that is sent may grow.
"""
