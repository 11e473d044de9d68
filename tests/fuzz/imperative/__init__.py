"""Random programs with loops, stores, views and aliases: grown, judged against differences, shrunk."""
