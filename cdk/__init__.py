"""The infrastructure of Reviewlens: one CDK application with stacks for each environment."""
