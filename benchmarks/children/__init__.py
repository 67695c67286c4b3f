"""Programs that a benchmark runs in a process of their own: a task as JSON in, a result out."""
