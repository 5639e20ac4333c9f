"""Event source mappings: Lambda reads a source, in batches, and invokes a function with them.

The pollers speak the services' public APIs, as AWS's own do.
"""
