"""The AWS Lambda workshop: a local cloud, checks that grade, and what the notebooks load."""
