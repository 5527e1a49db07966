"""The template's tests: its questions, what it renders, who owns what, updates, and the guards."""
