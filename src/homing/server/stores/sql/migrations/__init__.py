"""The steps that bring a database to the present tables, run at start-up."""
