"""The server: who may speak to it, and which part answers."""
