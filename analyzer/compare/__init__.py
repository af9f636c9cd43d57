"""Two runs side by side: what got better, what got worse, what is new, what is gone, and what cannot be compared.

It lies above the storm analysis, because storm figures are among what it compares, and below the views: what is here
decides, and says it in values (`values.py`); `analyzer/views/comparison/` puts these into words or JSON. It never asks
for both reports at once: `side_of` keeps of one what the comparison needs, and `compared` holds two sides together.
"""
