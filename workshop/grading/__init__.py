"""Grading: deploys a learner's function, runs the checks in a process of their own, reports."""
