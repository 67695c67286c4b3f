"""How many examples generated tests try, and from which seed; ``make fuzz`` sets both."""

import os

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "5"))
SEED = int(os.environ.get("FUZZ_SEED", "1"))
IS_LONG = "FUZZ_EXAMPLES" in os.environ
