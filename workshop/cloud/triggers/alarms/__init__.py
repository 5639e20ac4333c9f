"""CloudWatch alarms: their states, and what they tell whom."""
