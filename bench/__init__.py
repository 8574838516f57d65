"""The bench: measures how fast Kepu Week is. A project beside the product: README.md"""
