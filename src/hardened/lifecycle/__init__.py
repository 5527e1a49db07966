"""Update, adoption and fleets: bring the template's later hardening into services without losing their owners' work."""
