"""The pages that people look at: rendered here, kept fresh by small parts of themselves."""
