"""The minimum cost of a response: loads the model and runs it once, without service and index."""

import sys
import time


def main(started: float) -> None:
    """Load the model, run it once and report the time; ``started`` is as in first_answer."""
    import numpy as np
    import onnxruntime
    from tokenizers import Tokenizer

    from benchmarks.children import measure

    read_start = time.monotonic()
    task = measure.read_task()
    waited = time.monotonic() - read_start
    tokenizer = Tokenizer.from_file(f"{task['model']}/tokenizer.json")
    tokenizer.no_padding()
    session = onnxruntime.InferenceSession(f"{task['model']}/model.onnx")
    ids = np.array([tokenizer.encode(task["text"]).ids], dtype=np.int64)
    session.run(None, {"input_ids": ids, "attention_mask": np.ones_like(ids)})
    seconds = time.monotonic() - started - waited
    measure.write_result({"seconds": seconds, "resident_mib": measure.resident_mib()})


if __name__ == "__main__":
    main(float(sys.argv[1]))
