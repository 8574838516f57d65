"""What tests share: builders, waiting, servers."""
