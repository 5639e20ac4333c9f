"""One execution environment: its process, the walls around it, its Runtime API and its log."""
