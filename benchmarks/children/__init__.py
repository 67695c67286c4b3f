"""Programs that benchmarks run as child processes: a JSON task in, a JSON result out."""
