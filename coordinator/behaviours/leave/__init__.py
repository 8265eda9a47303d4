"""When and in which form a joiner without a verified key is removed."""
