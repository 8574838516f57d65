"""Three partners, one of them hostile: whether the two others notice."""
