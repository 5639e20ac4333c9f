"""Invocations: environments kept and handed out, concurrency, retries, log lines, metrics."""
