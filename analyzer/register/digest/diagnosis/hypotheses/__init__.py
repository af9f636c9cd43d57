"""The hypotheses of docs/rule-catalogue.md 3, a few related ones per module, each module declaring `HYPOTHESES`
(`diagnosis.hypothesis.HypothesisModule`)."""
