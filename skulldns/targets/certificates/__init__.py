"""WRITE certificates to disk: each version of a pair in its own directory, and one symbolic link that is switched.

Law: nothing unsound replaces a pair that is served; chain and key always change together.
"""
