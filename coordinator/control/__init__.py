"""The control plane: a bench is asked from outside, over MQTT and HTTP alike, and tells what happens.

`schema` declares every command, event and document once. `dispatch` answers commands, `feed` numbers
events and hands them to whoever listens, `board` holds what is true now. `mqtt` and `http` carry all
three; neither knows what a command does.
"""
