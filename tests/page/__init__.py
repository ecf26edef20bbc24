"""The page in a real browser: `dagscope serve` and Chromium, driven by Playwright."""
