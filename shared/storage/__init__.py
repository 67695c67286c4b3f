"""Objects, queues, secrets and versioned artefacts on AWS."""
