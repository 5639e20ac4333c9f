"""What every layer above speaks: words, errors, time, activity, clients."""
