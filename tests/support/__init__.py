"""Code that tests share: builders, waiting, servers."""
