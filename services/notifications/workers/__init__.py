"""What runs beside the service on its own: delivery, the states of providers, digests, the auditor and its heartbeat."""
