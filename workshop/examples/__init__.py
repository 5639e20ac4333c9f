"""A learner's function with an example event: `workshop invoke 04`, and `invoke_exercise("04")`."""
