"""Push triggers: services that hand their events to functions, asynchronously."""
