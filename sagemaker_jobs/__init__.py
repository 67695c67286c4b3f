"""Jobs that run on SageMaker or as subprocesses: each a frozen config and main(argv)."""
