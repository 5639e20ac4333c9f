"""What invokes functions: mappings that poll, services that push, HTTP, alarms."""
