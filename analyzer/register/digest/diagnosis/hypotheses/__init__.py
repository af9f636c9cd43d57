"""The hypotheses of RULES section 3, a few related ones per module, each module declaring `HYPOTHESES`
(`diagnosis.hypothesis.HypothesisModule`)."""
