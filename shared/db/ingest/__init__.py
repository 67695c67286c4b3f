"""Tables written by ingests: the ledger, shards, reviews, rejects, analyses."""
