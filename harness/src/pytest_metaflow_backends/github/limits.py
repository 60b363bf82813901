"""What GitHub's Checks API takes, as far as its schema and its documentation say so.

Where the documentation says characters, bytes of UTF-8 are counted: what fits by those fits by
both. Source: "Create a check run", "Rate limits" and "Best practices" of GitHub's REST API.
"""

from __future__ import annotations

from pytest_metaflow_backends.report.fit import CHECK_RUN

TEXT = CHECK_RUN  # bytes of a summary, and of a text
ANNOTATIONS_AT_ONCE = 50
# Bytes. GitHub takes 64 KiB of each; so a page of fifty stays below 2 MB, and the text has more.
MESSAGE, RAW_DETAILS = 8 * 1024, 24 * 1024
ANNOTATION_TITLE = 255  # characters
ACTIONS = 3
WRITE_INTERVAL = 1.0  # seconds from one write to the next; 80 a minute are allowed
SECONDARY_WAIT = 60.0  # seconds, at least, if a refusal does not say how long
