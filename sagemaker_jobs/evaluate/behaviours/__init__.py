"""The behavioural suite: contrast rows that no model is trained on, and implicit sentiment.

``measure`` predicts the test part of ``sagemaker_jobs.contrast`` and the sentences of
``implicit``, and counts the answers that break the rule of their row.
"""
