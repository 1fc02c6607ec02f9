"""Questions about an owner's apps: one frozen value, one parser, one report."""
