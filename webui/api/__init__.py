"""``/api/v1``: what members do on the page, for programs with a token.

Acts of admins are not here: they ask who the admin is once more (``webui.sessions.when_sure``), which a token that
lies on a machine cannot answer. The page and the command line have them.
"""
