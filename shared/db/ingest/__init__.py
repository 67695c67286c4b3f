"""Tables that ingests write: the ledger, shards, reviews, rejects, analyses."""
