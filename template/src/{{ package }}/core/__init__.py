# Owned by the template.
"""What every service of this template shares: settings, database, jobs, HTTP and the command line."""
