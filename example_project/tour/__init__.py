"""A guided tour: visitors who drive the Harbour Library over HTTP, and what was recorded."""
