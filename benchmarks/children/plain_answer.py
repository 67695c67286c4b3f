"""The least that an answer takes: the model's files, one pass, no service and no index."""

import sys
import time


def main(started: float) -> None:
    """Open the model, run it once and tell when; ``started`` is as in first_answer."""
    import numpy as np
    import onnxruntime
    from tokenizers import Tokenizer

    from benchmarks.children import measure

    asking = time.monotonic()
    asked = measure.task()
    waited = time.monotonic() - asking
    tokenizer = Tokenizer.from_file(f"{asked['model']}/tokenizer.json")
    tokenizer.no_padding()
    session = onnxruntime.InferenceSession(f"{asked['model']}/model.onnx")
    ids = np.array([tokenizer.encode(asked["text"]).ids], dtype=np.int64)
    session.run(None, {"input_ids": ids, "attention_mask": np.ones_like(ids)})
    seconds = time.monotonic() - started - waited
    measure.answer({"seconds": seconds, "resident_mib": measure.resident_mib()})


if __name__ == "__main__":
    main(float(sys.argv[1]))
