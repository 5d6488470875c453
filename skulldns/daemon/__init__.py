"""The running process: a thread for each worker, and answers for the command line.

Law: it starts, stops and answers; it decides nothing. ``service`` is the daemon; ``control`` the socket over which
the command line asks it; ``verbs`` what may be asked; ``once`` answers the same where no daemon runs.
"""
