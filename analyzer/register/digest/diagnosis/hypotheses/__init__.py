"""The hypotheses of docs/rules/diagnosis.md, a few related ones per module, each module declaring `HYPOTHESES`
(`diagnosis.hypothesis.HypothesisModule`)."""
