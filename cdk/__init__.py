"""The infrastructure of Reviewlens: a CDK application with the stacks of each environment."""
