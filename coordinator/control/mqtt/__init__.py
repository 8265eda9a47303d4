"""The control plane over MQTT. The one door of aiomqtt."""
